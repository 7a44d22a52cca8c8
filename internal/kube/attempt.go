package kube

import (
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/reading"
)

// remembered is the state of the last step, which stands in the ScaledObject.
func remembered(so *kserve.ScaledObject) decide.State {
	a := kserve.AttemptOf(so)
	s := decide.State{Raised: int(kserve.Raised(so)), Attempt: guard.Attempt{Failures: a.Failures}}
	switch {
	case !a.Again.IsZero():
		s.Attempt.Phase, s.Attempt.At = guard.Parked, reading.SinceEpoch(a.Again)
	case !a.Since.IsZero():
		s.Attempt.Phase, s.Attempt.At = guard.Waking, reading.SinceEpoch(a.Since)
	}
	return s
}

// writeAttempt remembers how the wake goes. KEDA alone would keep the replicas of one that
// fails, since no pod means no metric, and an error scales nothing down.
func (o observed) writeAttempt(v *explain.Verdict, a guard.Attempt) {
	before := kserve.AttemptOf(o.ScaledObject)
	w := kserve.Attempt{Failures: a.Failures, Cause: before.Cause}
	switch a.Phase {
	case guard.Waking:
		w.Since = ofEpoch(a.At)
	case guard.Parked:
		w.Again = ofEpoch(a.At)
	case guard.Resting:
	}
	if a.Failures > before.Failures {
		w.Cause, _ = o.NotReady()
		v.Then(explain.GiveBack, "WakeFailed", "no pod was ready %s after the wake-up: %s. The service is scaled back to zero; the next request after %s wakes it again",
			o.now.Sub(before.Since).Round(time.Second), w.Cause, w.Again.Format(time.RFC3339))
		v.Done.Warning = true
	}
	w.Write(v.Apply)
}

func ofEpoch(d time.Duration) time.Time { return time.Unix(0, int64(d)).UTC() }
