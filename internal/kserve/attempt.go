package kserve

import (
	"strconv"
	"time"
)

// An Attempt is how the wake of a service from zero goes. It stands in annotations of the
// ScaledObject, so that a restart loses nothing.
type Attempt struct {
	Since    time.Time // pods have been wanted, and none has been ready, since then; zero if not so
	Failures int       // in a row
	Again    time.Time // after a failure the service is kept at zero until then; zero if it is not
	Cause    string    // of the last failure
}

// What an attempt is written as.
const (
	wakingSince  = "flyball.dev/waking-since"
	wakeFailures = "flyball.dev/wake-failures"
	wakeFailed   = "flyball.dev/wake-failed"

	// WakeAgain is the time before which nothing wakes the service.
	WakeAgain = "flyball.dev/wake-again"

	// PausedReplicas makes KEDA scale a Deployment to a number, whatever its triggers say
	// or fail to say, and keep it there.
	PausedReplicas = "autoscaling.keda.sh/paused-replicas"

	// Paused makes KEDA leave a Deployment alone.
	Paused = "autoscaling.keda.sh/paused"
)

// AttemptOf reads it back. What someone has broken counts as not there.
func AttemptOf(so *ScaledObject) Attempt {
	var a Attempt
	if so == nil {
		return a
	}
	moment := func(key string) time.Time {
		t, err := time.Parse(time.RFC3339, so.Annotations[key])
		if err != nil {
			return time.Time{}
		}
		return t
	}
	a.Since, a.Again, a.Cause = moment(wakingSince), moment(WakeAgain), so.Annotations[wakeFailed]
	if n, err := strconv.Atoi(so.Annotations[wakeFailures]); err == nil && n > 0 {
		a.Failures = n
	}
	return a
}

// Write sets the annotations of the object.
func (a Attempt) Write(so *ScaledObject) {
	set := func(key, value string) {
		if so.Annotations == nil {
			so.Annotations = map[string]string{}
		}
		so.Annotations[key] = value
	}
	if !a.Since.IsZero() {
		set(wakingSince, a.Since.UTC().Format(time.RFC3339))
	}
	if a.Failures > 0 {
		set(wakeFailures, strconv.Itoa(a.Failures))
	}
	if a.Again.IsZero() {
		return
	}
	set(WakeAgain, a.Again.UTC().Format(time.RFC3339))
	set(wakeFailed, a.Cause)
	set(PausedReplicas, "0")
}

// PausedBy is the annotation by which somebody else than Flyball has paused KEDA, and its
// value; empty if nobody has.
func PausedBy(so *ScaledObject) (annotation, value string) {
	if so == nil {
		return "", ""
	}
	for _, a := range []string{PausedReplicas, Paused} {
		ours := a == PausedReplicas && !AttemptOf(so).Again.IsZero()
		if v, ok := so.Annotations[a]; ok && v != "false" && !ours {
			return a, v
		}
	}
	return "", ""
}
