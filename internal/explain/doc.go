// Package explain says of one service's snapshot why it has the replicas that it has,
// what the controller does about it now, and what a gateway must know of it.
//
// INV-1: of several causes the first in a fixed order is the reason, and a reason that
// calls for attention says what to do, in a command where there is one.
// INV-2: nothing is created while another autoscaler acts on the same target.
// INV-3: a ScaledObject is deleted only if it is Flyball's or that of a stopped service.
// INV-4: a refused service keeps the ScaledObject that it has.
// INV-5: where servers are named, no metric that is new or edited asks another one, with a
// credential or without.
// INV-6: what the metrics ask for is recomputed from what the HPA reports, as the HPA does.
// INV-7: of a chain one link has a fix at most: the first that is broken.
//
// It deliberately does not know how a snapshot is read, nor how replicas are computed:
// KEDA and the HPA do.
package explain
