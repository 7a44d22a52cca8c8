package kube

import (
	"strconv"
	"time"

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
	p := policy.Guide(&o.InferenceService, law.Bounds{Min: int(lo), Max: int(hi)})
	_, d := decide.Step(p, decide.State{Raised: int(kserve.Raised(o.ScaledObject))}, decide.Input{Demand: o.demand})
	return d
}

// wake raises the minimum of a service while requests are held for it, at zero and
// above: no engine counts what a gateway holds.
func wake(o observed, v *explain.Verdict) {
	so := v.Apply
	lo, most := *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount
	was := min(kserve.Raised(o.ScaledObject), most)
	n := int32(o.decision().Floor)
	if lo == 0 && attempt(o, v, n > 0) {
		return
	}
	raise(so, n)
	switch {
	case v.Action != explain.Repair || n == was:
	case n > was && lo == 0 && o.demand.InFlight == 0:
		v.Then(explain.Rouse, "Waking", "requests are held: at least %d of %d replicas are asked for", n, most)
	case n > was:
		v.Then(explain.Rouse, "Queueing", "requests are held behind those that are answered: at least %d of %d replicas are asked for", n, most)
	default:
		v.Then(explain.Settle, "WakeWithdrawn", "no request has been held for %s: its metrics alone scale it, down to %d if they say so", demand.TTL, lo)
	}
	if o.demand.Held > 0 && o.demand.InFlight > 0 && max(n, lo) >= most {
		v.Warn("QueueAtMaximum", "requests are held although %d replicas, all that spec.predictor.maxReplicas allows, are asked for; "+
			"raise it if there are GPUs for more", most)
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
