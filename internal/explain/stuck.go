package explain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// Stuck is why no pod can come although someone waits for one; empty if one may.
func (s Snapshot) Stuck() string {
	for _, rule := range []func(Snapshot) *explanation{
		Snapshot.deleting, Snapshot.stopped, Snapshot.wakeFailed, Snapshot.pausedAtZero, Snapshot.unwakeable, Snapshot.noPodAdmitted, Snapshot.allCrashing,
	} {
		if e := rule(s); e != nil {
			return e.Message
		}
	}
	return ""
}

func (s Snapshot) atZero() bool { return s.Deployment != nil && wantedReplicas(*s.Deployment) == 0 }

func (s Snapshot) pausedAtZero() *explanation {
	if !s.atZero() {
		return nil
	}
	return s.paused()
}

// promised tells whether it is scaled by objectives: when Flyball's scaler hears of requests that
// are held, KEDA wakes it by the ScaledObject that states them, or the scaler itself does.
func (s Snapshot) promised() bool {
	states := func(so kserve.ScaledObject) bool { return objective.At(so.Spec.Triggers) >= 0 }
	return s.mode() == ModeExternal && (s.Native || s.ScaledObject != nil && states(*s.ScaledObject) || slices.ContainsFunc(s.Others, states))
}

// unwakeable is a service at zero that Flyball does not scale.
func (s Snapshot) unwakeable() *explanation {
	if !s.atZero() || s.promised() {
		return nil
	}
	if mode := s.mode(); mode != ModeGuide {
		why := "its class is " + mode
		if mode == ModeExternal {
			why = "it has no autoScaling.metrics, no ScaledObject that states objectives, and no InferenceAutoscaler that Flyball accepts"
		}
		return &explanation{Unscaled, "at zero, and Flyball does not scale it: " + why, ""}
	}
	if s.NoKEDA {
		return &explanation{NoKEDA, "at zero, and KEDA is not installed", ""}
	}
	so, _, err := kserve.Map(&s.InferenceService)
	if err != nil {
		return &explanation{Refused, "at zero, and " + err.Error(), ""}
	}
	for _, m := range s.strangeServers(so) {
		if !m.before {
			return &explanation{Refused, "at zero, and " + m.said + ": " + m.instead, ""}
		}
	}
	return nil
}

// noPodAdmitted is a service whose pods are refused by a decision: of a quota, of a
// security policy, of a webhook. A failure to decide (a webhook that does not answer, an
// API server under load) passes, and is worth waiting for.
func (s Snapshot) noPodAdmitted() *explanation {
	if slices.ContainsFunc(s.Pods, alive) {
		return nil
	}
	e := s.denied()
	if e == nil || !strings.Contains(e.Message, " is forbidden: ") && !strings.Contains(e.Message, " denied the request") {
		return nil
	}
	return e
}

func (s Snapshot) allCrashing() *explanation {
	rest := s
	rest.Pods = nil
	var found *explanation
	for _, p := range s.Pods {
		if !alive(p) {
			continue
		}
		rest.Pods = []corev1.Pod{p}
		if found = rest.crashing(); found == nil {
			return nil
		}
	}
	return found
}
