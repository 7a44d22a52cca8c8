package kube

import (
	"strconv"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
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

// waiting are the requests that ask for replicas: those that are held, and beside them
// those in flight, if the service's metric counts these too.
func (o observed) waiting() int {
	switch d := o.demand; {
	case d.Held <= 0:
		return 0
	case kserve.CountsRunning(&o.InferenceService):
		return d.Held + d.InFlight
	default:
		return d.Held
	}
}

// wake raises the minimum of a service while requests are held for it, as law.Raised
// says, at zero and above: no engine counts what a gateway holds. Everything that a
// restart must not lose stands in the ScaledObject.
func wake(o observed, v *explain.Verdict) {
	so := v.Apply
	lo, most := *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount
	was := min(kserve.Raised(o.ScaledObject), most)
	n := int32(law.Raised(int(was), o.waiting(), o.demand.Quiet, kserve.RequestsPerReplica(&o.InferenceService), int(most)))
	if n <= lo {
		n = 0
	}
	if lo == 0 && attempt(o, v, n > 0) {
		return
	}
	switch {
	case n > 0 && lo == 0:
		annotate(so, kserve.ForceActivation, "true")
	case n > 0:
		annotate(so, kserve.RaisedMinimum, strconv.Itoa(int(n)))
	}
	if n > 0 {
		so.Spec.MinReplicaCount = &n
	}
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

func annotate(so *kserve.ScaledObject, key, value string) {
	if so.Annotations == nil {
		so.Annotations = map[string]string{}
	}
	so.Annotations[key] = value
}
