package kube

import (
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// How long a wake from zero may take to its first ready pod, and how long the service is
// then kept at zero: twice as long with each failure in a row.
const (
	wakeTime     = time.Hour        // a large model is pulled and loaded in less
	crashTime    = 10 * time.Minute // while every pod crashes, or cannot get its image
	backOffFirst = 5 * time.Minute
	backOffMost  = time.Hour
	lookAtWake   = time.Minute // how often a wake is looked at
)

// attempt gives back the GPUs of a wake that brings no ready pod: KEDA alone would keep
// them, since no pod means no metric, and an error scales nothing in. It says whether the
// service is to be at zero, whatever is held. A service with a ready pod is never touched,
// and neither is one that its user has paused.
func attempt(o observed, v *explain.Verdict, raised bool) (parked bool) {
	a := kserve.AttemptOf(o.ScaledObject)
	wanted := o.Deployment != nil && o.Deployment.Spec.Replicas != nil && *o.Deployment.Spec.Replicas > 0
	switch {
	case o.Deployment != nil && o.Deployment.Status.ReadyReplicas > 0:
		return false
	case o.now.Before(a.Again):
		a.Write(v.Apply)
		return true
	}
	a.Again = time.Time{}
	cause, crashing := o.NotReady()
	limit := wakeTime
	if crashing {
		limit = crashTime
	}
	switch took := o.now.Sub(a.Since); {
	case o.paused() || !raised && !wanted:
		a.Since = time.Time{}
	case a.Since.IsZero():
		a.Since = o.now
	case took >= limit:
		a = kserve.Attempt{Failures: a.Failures + 1, Cause: cause}
		a.Again = o.now.Add(min(backOffMost, backOffFirst<<min(a.Failures-1, 10)))
		v.Then(explain.GiveBack, "WakeFailed", "no pod was ready %s after the wake-up: %s. The service is scaled back to zero; the next request after %s wakes it again",
			took.Round(time.Second), cause, a.Again.UTC().Format(time.RFC3339))
		v.Done.Warning = true
	}
	a.Write(v.Apply)
	return !a.Again.IsZero()
}

// paused tells whether the user has paused the ScaledObject.
func (o observed) paused() bool {
	if o.ScaledObject == nil {
		return false
	}
	_, byReplicas := o.ScaledObject.Annotations[kserve.PausedReplicas]
	pause, set := o.ScaledObject.Annotations[kserve.Paused]
	return set && pause != "false" || byReplicas && kserve.AttemptOf(o.ScaledObject).Again.IsZero()
}

// nextLook is when an attempt has to be looked at again; 0 is never.
func nextLook(a kserve.Attempt, now time.Time) time.Duration {
	switch {
	case !a.Again.IsZero():
		return max(time.Second, a.Again.Sub(now))
	case !a.Since.IsZero():
		return lookAtWake
	}
	return 0
}
