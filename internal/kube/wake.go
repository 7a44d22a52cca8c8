package kube

import (
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
)

// observed is what is in the cluster of one service, and what waits for it.
type observed struct {
	explain.Snapshot
	demand demand.Demand
}

// verdict is the state machine's, with the wake.
func (o observed) verdict() explain.Verdict {
	v := o.Verdict()
	if v.Apply != nil {
		wake(o, &v)
	}
	return v
}

// wake raises the minimum of a service that may be at zero while requests are held
// for it, as law.Raised says. Everything that a restart must not lose stands in the
// ScaledObject.
func wake(o observed, v *explain.Verdict) {
	so := v.Apply
	if *so.Spec.MinReplicaCount > 0 {
		return
	}
	most := *so.Spec.MaxReplicaCount
	was := min(kserve.Raised(o.ScaledObject), most)
	n := int32(law.Raised(int(was), o.demand.Held, o.demand.Quiet, kserve.RequestsPerReplica(&o.InferenceService), int(most)))
	if n > 0 {
		so.Annotations = map[string]string{kserve.ForceActivation: "true"}
		so.Spec.MinReplicaCount = &n
	}
	switch {
	case v.Action != explain.Repair || n == was:
	case n > was:
		v.Then(explain.Rouse, "Waking", "requests are held: at least %d of %d replicas are asked for", n, most)
	default:
		v.Then(explain.Settle, "WakeWithdrawn", "no request has been held for %s: its metrics alone scale it, down to 0 if they say so", demand.TTL)
	}
}
