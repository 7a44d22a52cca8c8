package pod_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/policy/pod"
)

func TestProbesOf(t *testing.T) {
	probe := func(delay, period, failures int32) *corev1.Probe {
		return &corev1.Probe{InitialDelaySeconds: delay, PeriodSeconds: period, FailureThreshold: failures}
	}
	for _, c := range []struct {
		of   corev1.Container
		want pod.Probes
	}{
		{corev1.Container{}, pod.Probes{}},
		{corev1.Container{LivenessProbe: probe(30, 10, 3)}, pod.Probes{GivesUp: time.Minute, By: "livenessProbe"}},
		{corev1.Container{LivenessProbe: probe(0, 0, 0)}, pod.Probes{GivesUp: 30 * time.Second, By: "livenessProbe"}},
		{corev1.Container{StartupProbe: probe(15, 10, 60), LivenessProbe: probe(0, 1, 1), ReadinessProbe: probe(120, 5, 1)},
			pod.Probes{ReadyAfter: 2 * time.Minute, GivesUp: 615 * time.Second, By: "startupProbe"}},
	} {
		if got := pod.ProbesOf(&c.of); got != c.want {
			t.Errorf("ProbesOf(%v) = %v, want %v", c.of, got, c.want)
		}
	}
}
