package explain

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/demand"
)

// measured is a service whose HPA reports a mean over its replicas, of a target.
func measured(t *testing.T, mean, target string, replicas int32) Snapshot {
	t.Helper()
	s := scaling(t)
	s.setReplicas(replicas, replicas)
	each, goal := resource.MustParse(mean), resource.MustParse(target)
	h := &s.HPAs[0]
	h.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &goal},
	}}}
	h.Status.CurrentMetrics = []autoscalingv2.MetricStatus{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricStatus{
		Current: autoscalingv2.MetricValueStatus{AverageValue: &each},
	}}}
	h.Status.CurrentReplicas, h.Status.DesiredReplicas = replicas, replicas
	return s
}

// INV-6.
func TestAsk(t *testing.T) {
	for name, c := range map[string]struct {
		mean, target string
		replicas     int32
		want         Ask
	}{
		"a mean that was rounded up": {"2334m", "1", 3, Ask{Load: 7.002, Replicas: 7, Sum: "7 ÷ target 1"}},
		"a fraction":                 {"2500m", "1", 3, Ask{Load: 7.5, Replicas: 8, Sum: "7.5 ÷ target 1"}},
		"within the tolerance":       {"1050m", "1", 4, Ask{Load: 4.2, Within: true, Replicas: 4, Sum: "4.2 ÷ target 1"}},
		"nothing":                    {"0", "5", 2, Ask{Sum: "0 ÷ target 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := measured(t, c.mean, c.target, c.replicas)
			got, ok := s.Ask()
			if !ok || got.Replicas != c.want.Replicas || got.Within != c.want.Within || got.Sum != c.want.Sum || got.Load-c.want.Load > 1e-9 {
				t.Errorf("Ask() = %+v, %v, want %+v", got, ok, c.want)
			}
		})
	}
	s := measured(t, "1", "1", 1)
	s.HPAs[0].Status.CurrentMetrics = nil
	if got, ok := s.Ask(); ok {
		t.Errorf("Ask() = %+v without a value", got)
	}
}

func TestChanged(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 3, 10, 0, time.UTC)
	scaled := metav1.NewTime(at.Add(-5 * time.Second))
	for name, c := range map[string]struct {
		from   int32
		after  Snapshot
		change func(*Snapshot)
		want   string
	}{
		"by its metric":  {4, measured(t, "1", "1", 7), func(*Snapshot) {}, "7 ÷ target 1 = 7; limits not reached"},
		"to its maximum": {4, measured(t, "3", "1", 8), func(*Snapshot) {}, "24 ÷ target 1 = 24; the maximum is 8"},
		"with requests held": {4, measured(t, "3", "1", 8), func(s *Snapshot) {
			s.Demand = &demand.Demand{Work: demand.Work{Held: 3}}
		}, "3 requests are held"},
		"by hand": {4, measured(t, "1", "1", 2), func(s *Snapshot) {
			s.Deployment.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl", Subresource: "scale"}}
		}, "set by hand, with kubectl"},
		"to zero":   {1, measured(t, "0", "1", 0), func(*Snapshot) {}, "cooldown period of 5m0s"},
		"from zero": {0, measured(t, "1", "1", 1), func(*Snapshot) {}, "a trigger is active"},
	} {
		t.Run(name, func(t *testing.T) {
			before := measured(t, "1", "1", c.from)
			c.after.HPAs[0].Status.LastScaleTime = &scaled
			c.change(&c.after)
			got, ok := Changed(before, c.after, at)
			if !ok || got.From != c.from || got.To != *c.after.Deployment.Spec.Replicas || !strings.Contains(got.Text, c.want) {
				t.Errorf("Changed = %+v, %v, want %q", got, ok, c.want)
			}
			if byHPA := c.from > 0 && got.To > 0 && name != "by hand"; byHPA != got.At.Equal(scaled.Time) {
				t.Errorf("at %v, the HPA scaled at %v", got.At, scaled)
			}
		})
	}
	same := measured(t, "1", "1", 4)
	if c, ok := Changed(same, same, at); ok {
		t.Errorf("Changed = %+v of no change", c)
	}
	another := same
	another.Deployment = same.Deployment.DeepCopy()
	another.Deployment.UID, another.Deployment.Spec.Replicas = "another", new(int32(1))
	if c, ok := Changed(same, another, at); ok {
		t.Errorf("Changed = %+v of two Deployments", c)
	}
}

func TestStanding(t *testing.T) {
	s := measured(t, "400m", "1", 5)
	s.setHPA(autoscalingv2.AbleToScale, "True", "ScaleDownStabilized", "recent recommendations were higher")
	want := "2 ÷ target 1 = 2; the window holds 5: recent recommendations were higher"
	if got := s.Standing(time.Time{}); got.From != 5 || got.To != 5 || got.Text != want {
		t.Errorf("Standing = %+v, want %q", got, want)
	}
	if got := s.DownWindow(); got != 5*time.Minute {
		t.Errorf("DownWindow() = %v, want Kubernetes' 5m", got)
	}
}

// INV-7.
func TestChain(t *testing.T) {
	s := measured(t, "1", "1", 3)
	if chain := s.Chain(); len(chain) != 5 || chain[0].Broken || chain[4].Broken || chain[0].Said != "3 ÷ target 1" {
		t.Errorf("Chain() = %+v, want five that follow", chain)
	}
	s.setHPA(autoscalingv2.ScalingActive, "False", "FailedGetExternalMetric", "no server answers")
	chain := s.Chain()
	if !chain[0].Broken || chain[0].Fix == "" || !strings.Contains(chain[0].Said, "no server answers") {
		t.Errorf("Chain()[0] = %+v, want a broken one with a fix", chain[0])
	}
	for _, g := range chain[1:] {
		if g.Fix != "" {
			t.Errorf("Chain() = %+v: a second fix", g)
		}
	}
}

func TestHolders(t *testing.T) {
	gpu := func(p corev1.Pod, node string) corev1.Pod {
		p.Spec.NodeName = node
		p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("2")}}}}
		return p
	}
	on := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}
	leaving := gpu(pod("d", func(*corev1.PodStatus) {}), "n")
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(100, 0)}
	leaving.DeletionGracePeriodSeconds = new(int64(30))
	pods := []corev1.Pod{
		gpu(pod("a", unschedulable("0/1 nodes")), ""),
		gpu(pod("b", func(s *corev1.PodStatus) {
			s.Conditions = []corev1.PodCondition{on}
			s.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
		}), "n"),
		gpu(pod("c", func(s *corev1.PodStatus) {
			s.Conditions = []corev1.PodCondition{on, {Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}), "n"),
		leaving,
		gpu(pod("e", func(s *corev1.PodStatus) { s.Phase = corev1.PodSucceeded }), "n"),
		pod("f", func(*corev1.PodStatus) {}), // without GPUs
	}
	var got []string
	for _, h := range Holders(pods) {
		got = append(got, h.Pod+" "+h.State+" "+h.Phase)
		if h.GPUs != 2 || h.Service != "llama" {
			t.Errorf("%+v, want 2 GPUs of llama", h)
		}
		if h.Pod == "d" && h.Since.Unix() != 70 {
			t.Errorf("draining since %v, want since it was asked to leave", h.Since)
		}
	}
	want := "a pending no node yet,b starting pulling the image,c ready ,d draining "
	if strings.Join(got, ",") != want {
		t.Errorf("Holders = %q, want %q", strings.Join(got, ","), want)
	}
}
