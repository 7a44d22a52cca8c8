package pod

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Probes are when the kubelet takes a container to be ready, from its start on.
type Probes struct {
	ReadyAfter time.Duration // not before
	GivesUp    time.Duration // it restarts a container that has not answered by then; 0: never
	By         string        // which of its probes does
}

// ProbesOf reads a container's.
//
// Worked example (TestProbesOf): a livenessProbe without a startupProbe beside it, of 30 s and
// three failures in steps of 10 s, restarts what has not answered after 60 s.
func ProbesOf(c *corev1.Container) Probes {
	var p Probes
	for _, waits := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe} {
		if waits != nil {
			p.ReadyAfter = max(p.ReadyAfter, secondsOf(waits.InitialDelaySeconds))
		}
	}
	switch {
	case c.StartupProbe != nil: // the others wait for it
		p.GivesUp, p.By = patience(c.StartupProbe), "startupProbe"
	case c.LivenessProbe != nil:
		p.GivesUp, p.By = patience(c.LivenessProbe), "livenessProbe"
	}
	return p
}

func patience(p *corev1.Probe) time.Duration {
	return secondsOf(p.InitialDelaySeconds) + time.Duration(cmp.Or(p.FailureThreshold, 3))*secondsOf(cmp.Or(p.PeriodSeconds, 10))
}

func secondsOf(n int32) time.Duration { return time.Duration(max(0, n)) * time.Second }
