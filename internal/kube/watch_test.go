package kube

import (
	"context"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func TestWhoIsWoken(t *testing.T) {
	so := func(name, target string) client.Object {
		o := cluster.NewObject(kserve.ScaledObjectKind)
		o.SetName(name)
		o.SetNamespace("demo")
		o.Object["spec"] = map[string]any{"scaleTargetRef": map[string]any{"name": target}}
		return o
	}
	h := hpa("keda-hpa-x", nil)
	h.Namespace = "demo"
	said := corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "ScaledObject", Name: "llama-predictor"}}
	said.Namespace = "demo"
	auth := cluster.NewObject(kserve.TriggerAuthenticationKind)
	auth.SetName("prom-basic-auth")
	auth.SetNamespace("demo")
	w := waker{kubetest.Client(t, kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t)))}
	for name, tc := range map[string]struct {
		who  func(context.Context, client.Object) []ctrl.Request
		o    client.Object
		want []ctrl.Request
	}{
		"our ScaledObject":     {w.scaledObject, so("llama-predictor", "llama-predictor"), []ctrl.Request{{NamespacedName: llama}}},
		"a rival ScaledObject": {w.scaledObject, so("theirs", "llama-predictor"), []ctrl.Request{{NamespacedName: llama}}},
		"one of our name":      {w.scaledObject, so("llama-predictor", "web"), []ctrl.Request{{NamespacedName: llama}}},
		"another ScaledObject": {w.scaledObject, so("theirs", "web-predictor"), nil},
		"an HPA":               {w.hpa, &h, []ctrl.Request{{NamespacedName: llama}}},
		"KEDA's Event":         {w.event, &said, []ctrl.Request{{NamespacedName: llama}}},
		"its authentication":   {w.authentication, auth, []ctrl.Request{{NamespacedName: llama}}},
	} {
		if got := tc.who(t.Context(), tc.o); !slices.Equal(got, tc.want) {
			t.Errorf("%s wakes %v, want %v", name, got, tc.want)
		}
	}
}

func TestWhichChangesMatter(t *testing.T) {
	object := func(set map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"generation": int64(1)}, "status": set}}
	}
	h := func(status corev1.ConditionStatus, reason string, replicas int32) *autoscalingv2.HorizontalPodAutoscaler {
		h := hpa("h", nil)
		h.Status.CurrentReplicas = replicas
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{
			{Type: autoscalingv2.ScalingActive, Status: status, Reason: reason},
		}
		return &h
	}
	ready := func(status string) map[string]any {
		return map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": status}}, "lastActiveTime": status}
	}
	d := func(generation int64, replicas, ready int32, cpu string) *appsv1.Deployment {
		d := &appsv1.Deployment{}
		d.Generation, d.Spec.Replicas, d.Status.ReadyReplicas = generation, &replicas, ready
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "kserve-container"}}
		if cpu != "" {
			d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
		}
		return d
	}
	byHand := func(d *appsv1.Deployment) *appsv1.Deployment {
		d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl", Subresource: "scale"}}
		return d
	}
	annotated, terminating := object(nil), object(nil)
	annotated.SetAnnotations(map[string]string{kserve.StopAnnotation: "true"})
	now := metav1.Now()
	terminating.SetDeletionTimestamp(&now)
	for name, tc := range map[string]struct {
		matters  func(event.UpdateEvent) bool
		old, now client.Object
		want     bool
	}{
		"KEDA polls":           {scaledObjectChanged, object(map[string]any{"lastActiveTime": "1"}), object(map[string]any{"lastActiveTime": "2"}), false},
		"KEDA finds an error":  {scaledObjectChanged, object(ready("True")), object(ready("False")), true},
		"KServe's status":      {serviceChanged, object(ready("True")), object(ready("False")), false},
		"KServe tells a mode":  {serviceChanged, object(nil), object(map[string]any{"deploymentMode": "Knative"}), true},
		"stop is set":          {serviceChanged, object(nil), annotated, true},
		"it is about to go":    {scaledObjectChanged, object(nil), terminating, true},
		"the HPA scales":       {hpaChanged, h("True", "", 1), h("True", "", 2), false},
		"the HPA is blind":     {hpaChanged, h("True", "", 1), h("False", "FailedGetExternalMetric", 1), true},
		"a pod more":           {deploymentChanged, d(1, 3, 3, ""), d(2, 4, 3, ""), false},
		"kubectl scale":        {deploymentChanged, d(1, 3, 3, ""), byHand(d(2, 5, 3, "")), true},
		"the first pod":        {deploymentChanged, d(1, 1, 0, ""), d(1, 1, 1, ""), true},
		"it leaves zero":       {deploymentChanged, d(1, 0, 0, ""), d(2, 1, 0, ""), true},
		"a cpu request":        {deploymentChanged, d(1, 1, 1, ""), d(2, 1, 1, "100m"), true},
		"not what was watched": {hpaChanged, object(nil), object(nil), true},
	} {
		if got := tc.matters(event.UpdateEvent{ObjectOld: tc.old, ObjectNew: tc.now}); got != tc.want {
			t.Errorf("%s: matters = %v, want %v", name, got, tc.want)
		}
	}
}
