package kube

import (
	"strconv"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/reading"
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

// step is what the gateways' reports ask for, within the service's bounds. KEDA and the
// HPA are its law. Everything that a restart must not lose stands in the ScaledObject and
// in the reports, which are the step's state and input.
func (o observed) step() (decide.State, decide.Decision) {
	lo, hi, _ := kserve.Bounds(o.InferenceService.Spec.Predictor.Component)
	p := policy.Guide(&o.InferenceService, law.Bounds{Min: int(lo), Max: int(hi)})
	if by, _ := kserve.PausedBy(o.ScaledObject); by != "" { // nothing is given back
		p.Wake.Patience = guard.Patience{}
	}
	return decide.Step(p, remembered(o.ScaledObject), decide.Input{Now: reading.SinceEpoch(o.now), Fleet: o.Fleet(), Demand: o.demand})
}

// wake raises the minimum of a service while requests are held for it, at zero and
// above: no engine counts what a gateway holds. A wake from zero that brings no ready pod
// is given back.
func wake(o observed, v *explain.Verdict) {
	lo := *v.Apply.Spec.MinReplicaCount
	next, d := o.step()
	o.writeAttempt(v, next.Attempt)
	if next.Attempt.Phase == guard.Parked {
		return
	}
	n := int32(d.Floor)
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
		v.Then(explain.Settle, "NoRoom", "some pods could not be scheduled within %s: asking for no more than %d replicas, although requests are held", policy.PlaceTime, n)
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
