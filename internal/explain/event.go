package explain

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// LastSeen is when an event was last reported, in whichever of its forms says so.
func LastSeen(e corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	if e.EventTime.After(last) {
		last = e.EventTime.Time
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}
