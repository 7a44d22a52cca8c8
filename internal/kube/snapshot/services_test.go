package snapshot

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func warningAbout(kind, uid, message string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: kind + uid, Namespace: "demo"},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: "demo", UID: types.UID(uid)},
		Type:           corev1.EventTypeWarning, Message: message,
	}
}

// INV-1: every object finds its service, the newest event first.
func TestReadAll(t *testing.T) {
	llama, zeta := kubetest.Service(t), kubetest.Service(t)
	zeta.Namespace, zeta.Name = "aaa", "zeta"
	so, _, err := kserve.Map(llama)
	if err != nil {
		t.Fatal(err)
	}
	so.UID = "so-uid"
	ofService := metav1.ObjectMeta{Name: "llama-predictor", Namespace: "demo", Labels: map[string]string{kserve.ServiceLabel: "llama"}}
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "keda-hpa-llama-predictor"}}
	h.Spec.ScaleTargetRef.Name = so.Name
	old, late := warningAbout("ScaledObject", "so-uid", "old"), warningAbout("InferenceService", "u1", "late")
	late.EventTime = metav1.NewMicroTime(time.Unix(1_700_000_000, 0))
	c := kubetest.Client(t, &appsv1.Deployment{ObjectMeta: ofService}, &corev1.Pod{ObjectMeta: ofService}, &h, old, late,
		kubetest.Untyped(t, kserve.InferenceServiceKind, llama), kubetest.Untyped(t, kserve.ScaledObjectKind, so),
		kubetest.Untyped(t, kserve.InferenceServiceKind, zeta))

	services, err := ReadAll(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range explain.Rows(services) {
		got = append(got, fmt.Sprint(r.Namespace, "/", r.Name, " ", r.Mode, " ", r.Reason))
	}
	if diff := cmp.Diff([]string{"aaa/zeta guide Refused", "demo/llama guide NoMetric"}, got); diff != "" {
		t.Fatalf("Rows: -want +got\n%s", diff)
	}
	s := services[len(services)-1]
	if len(s.Events) != 2 || s.Events[0].Message != "late" || len(s.Pods) != 1 || len(s.HPAs) != 1 || s.Deployment == nil || s.ScaledObject == nil {
		t.Errorf("ReadAll = %+v, want late before old and one of each kind", s)
	}
}
