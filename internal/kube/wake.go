package kube

import (
	"strconv"
	"time"

	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy"
)

// observed is what is in the cluster of one service, and what waits for it.
type observed struct {
	explain.Snapshot
	demand demand.Demand
	now    time.Time
}

// verdict is the state machine's, with the wake.
func (o observed) verdict() explain.Verdict {
	v := o.Verdict()
	if v.Apply != nil {
		wake(o, &v)
	}
	return v
}

// decision is what the gateways' reports ask for, within the service's bounds. KEDA and
// the HPA are its law. Everything that a restart must not lose stands in the ScaledObject
// and in the reports, which are the step's state and input.
func (o observed) decision() decide.Decision {
	lo, hi, _ := kserve.Bounds(o.InferenceService.Spec.Predictor.Component)
	if most := o.placeable(); most > 0 {
		hi = max(lo, min(hi, most))
	}
	p := policy.Guide(&o.InferenceService, law.Bounds{Min: int(lo), Max: int(hi)})
	_, d := decide.Step(p, decide.State{Raised: int(kserve.Raised(o.ScaledObject))}, decide.Input{Demand: o.demand})
	return d
}

// placeTime is how long a pod may wait for a node that someone adds.
const placeTime = 5 * time.Minute

// placeable is the most that is asked for while pods wait for a node, 0 if none do: no more
// of them, and after placeTime none of those.
func (o observed) placeable() int32 {
	all, long := o.Unplaced(o.now.Add(-placeTime))
	if all == 0 || o.Deployment == nil {
		return 0
	}
	return max(1, ptr.Deref(o.Deployment.Spec.Replicas, 1)-int32(long))
}

// wake raises the minimum of a service while requests are held for it, at zero and
// above: no engine counts what a gateway holds.
func wake(o observed, v *explain.Verdict) {
	lo := *v.Apply.Spec.MinReplicaCount
	n := int32(o.decision().Floor)
	if lo == 0 && attempt(o, v, n > 0) {
		return
	}
	raise(v.Apply, n)
	if v.Action == explain.Repair {
		tellRaised(o, v, lo, n)
	}
	if most := *v.Apply.Spec.MaxReplicaCount; o.demand.Held > 0 && o.demand.InFlight > 0 && max(n, lo) >= most {
		v.Warn("QueueAtMaximum", "requests are held although all %d replicas that spec.predictor.maxReplicas allows are desired; "+
			"raise it if there are GPUs for more", most)
	}
}

// tellRaised says what is asked for now, if that is not what was.
func tellRaised(o observed, v *explain.Verdict, lo, n int32) {
	most := *v.Apply.Spec.MaxReplicaCount
	switch was := min(kserve.Raised(o.ScaledObject), most); {
	case n == was:
	case n > was && lo == 0 && o.demand.InFlight == 0:
		v.Then(explain.Rouse, "Waking", "requests are held: scaling up to at least %d of %d replicas", n, most)
	case n > was:
		v.Then(explain.Rouse, "Queueing", "more requests are held than the ready pods can take: scaling up to at least %d of %d replicas", n, most)
	case o.demand.Held > 0:
		v.Then(explain.Settle, "NoRoom", "some pods could not be scheduled within %s: asking for no more than %d replicas, although requests are held", placeTime, n)
		v.Done.Warning = true
	default:
		v.Then(explain.Settle, "WakeWithdrawn", "no request has been held for %s: its metrics alone scale it again, down to %d if they say so", demand.TTL, lo)
	}
}

// raise puts a raised minimum into the ScaledObject; 0 is none.
func raise(so *kserve.ScaledObject, n int32) {
	switch lo := *so.Spec.MinReplicaCount; {
	case n == 0:
		return
	case lo == 0:
		annotate(so, kserve.ForceActivation, "true")
	default:
		annotate(so, kserve.RaisedMinimum, strconv.Itoa(int(n)))
	}
	so.Spec.MinReplicaCount = &n
}

func annotate(so *kserve.ScaledObject, key, value string) {
	if so.Annotations == nil {
		so.Annotations = map[string]string{}
	}
	so.Annotations[key] = value
}
