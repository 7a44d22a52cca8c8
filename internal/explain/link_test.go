package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestBehind(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Snapshot)
		want   []Link
	}{
		"all follows": {func(*Snapshot) {}, nil},
		"the HPA reads no metric": {func(s *Snapshot) {
			s.setHPA(autoscalingv2.ScalingActive, "False", "FailedGetExternalMetric", "no")
		}, []Link{LinkMetric}},
		"KEDA has not raised the HPA's minimum": {func(s *Snapshot) { s.ScaledObject.Spec.MinReplicaCount = new(int32(2)) }, []Link{LinkKEDA}},
		"KEDA has not activated":                {func(s *Snapshot) { s.setReplicas(0, 0) }, []Link{LinkKEDA}},
		"it may be at zero": {func(s *Snapshot) {
			s.setReplicas(0, 0)
			s.ScaledObject.Spec.MinReplicaCount = new(int32(0))
		}, nil},
		"it is paused": {func(s *Snapshot) {
			s.ScaledObject.Annotations = map[string]string{"autoscaling.keda.sh/paused-replicas": "0"}
			s.setReplicas(0, 0)
		}, nil},
		"the HPA is not synced": {func(s *Snapshot) {
			s.HPAs[0].Spec.MinReplicas, s.ScaledObject.Spec.MinReplicaCount = new(int32(4)), new(int32(4))
		}, []Link{LinkHPA}},
		"the HPA wants more": {func(s *Snapshot) { s.HPAs[0].Status.DesiredReplicas = 5 }, []Link{LinkHPA}},
		"pods are not made": {func(s *Snapshot) {
			s.HPAs[0].Status.DesiredReplicas = 5
			s.setReplicas(5, 3)
			s.Deployment.Status.Replicas = 3
		}, []Link{LinkDeployment, LinkPods}},
		"pods are not ready": {func(s *Snapshot) { s.setReplicas(3, 2) }, []Link{LinkPods}},
		"nothing is there":   {func(s *Snapshot) { s.ScaledObject, s.HPAs, s.Deployment = nil, nil, nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scaling(t)
			s.HPAs[0].Status.DesiredReplicas = 3
			c.change(&s)
			var got []Link
			for _, l := range Links() {
				if s.Behind(l) {
					got = append(got, l)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("behind: -want +got\n%s", diff)
			}
		})
	}
}

func TestReplicas(t *testing.T) {
	with := func(conditions ...corev1.PodConditionType) func(*corev1.PodStatus) {
		return func(s *corev1.PodStatus) {
			for _, c := range conditions {
				s.Conditions = append(s.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue})
			}
		}
	}
	leaving := pod("e", with(corev1.PodScheduled, corev1.PodReady))
	leaving.DeletionTimestamp = &metav1.Time{}
	s := Snapshot{Pods: []corev1.Pod{
		pod("a", unschedulable("0/1 nodes")), pod("b", with()), pod("c", with(corev1.PodScheduled)), pod("d", with(corev1.PodScheduled, corev1.PodReady)), leaving,
		pod("f", func(s *corev1.PodStatus) { s.Phase = corev1.PodFailed }),
	}}
	if got, want := s.Replicas(), (Replicas{Pending: 2, Starting: 1, Ready: 1, Draining: 1}); got != want {
		t.Errorf("Replicas() = %+v, want %+v", got, want)
	}
}
