package kube

import (
	"context"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// Which object wakes which service.

func serviceOfScaledObject(_ context.Context, o client.Object) []ctrl.Request {
	requests := request(o.GetNamespace(), o.GetName())
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return requests
	}
	if target, _, err := unstructured.NestedString(u.Object, "spec", "scaleTargetRef", "name"); err == nil && target != o.GetName() {
		requests = append(requests, request(o.GetNamespace(), target)...)
	}
	return requests
}

func serviceOfHPA(_ context.Context, o client.Object) []ctrl.Request {
	h, ok := o.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return nil
	}
	return request(h.Namespace, h.Spec.ScaleTargetRef.Name)
}

func serviceOfEvent(_ context.Context, o client.Object) []ctrl.Request {
	e, ok := o.(*corev1.Event)
	if !ok {
		return nil
	}
	return request(e.Namespace, e.InvolvedObject.Name)
}

func request(namespace, predictor string) []ctrl.Request {
	name, ok := strings.CutSuffix(predictor, kserve.PredictorName(""))
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}}
}

func servicesOf(ctx context.Context, c client.Client, namespace string) []ctrl.Request {
	services, err := list(ctx, c, kserve.InferenceServiceKind, client.InNamespace(namespace))
	if err != nil {
		return nil // the cache is not synced yet; the services' own events come
	}
	requests := make([]ctrl.Request, 0, len(services))
	for i := range services {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&services[i])})
	}
	return requests
}

// Which changes matter. KEDA writes into a ScaledObject's status at every poll, the
// HPA controller into an HPA's at every sync: neither is a reason to apply anew.

func serviceChanged(e event.UpdateEvent) bool {
	old, now := &kserve.InferenceService{}, &kserve.InferenceService{}
	return metaChanged(e) || !maps.Equal(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()) ||
		!decoded(e, old, now) || old.Status.DeploymentMode != now.Status.DeploymentMode
}

func scaledObjectChanged(e event.UpdateEvent) bool {
	old, now := &kserve.ScaledObject{}, &kserve.ScaledObject{}
	return metaChanged(e) || !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
		!equality.Semantic.DeepEqual(e.ObjectOld.GetOwnerReferences(), e.ObjectNew.GetOwnerReferences()) ||
		!decoded(e, old, now) || !slices.Equal(old.Status.Conditions, now.Status.Conditions)
}

// metaChanged: the spec, or the object is about to go, or another has taken its name.
func metaChanged(e event.UpdateEvent) bool {
	old, now := e.ObjectOld, e.ObjectNew
	return old.GetGeneration() != now.GetGeneration() || old.GetUID() != now.GetUID() ||
		(old.GetDeletionTimestamp() == nil) != (now.GetDeletionTimestamp() == nil)
}

func decoded(e event.UpdateEvent, old, now any) bool {
	o, ok1 := e.ObjectOld.(*unstructured.Unstructured)
	n, ok2 := e.ObjectNew.(*unstructured.Unstructured)
	return ok1 && ok2 && kserve.Decode(o, old) == nil && kserve.Decode(n, now) == nil
}

func hpaChanged(e event.UpdateEvent) bool {
	old, ok1 := e.ObjectOld.(*autoscalingv2.HorizontalPodAutoscaler)
	now, ok2 := e.ObjectNew.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok1 || !ok2 {
		return true
	}
	a, b := explain.ScalingActive(old), explain.ScalingActive(now)
	return old.UID != now.UID || old.Spec.ScaleTargetRef != now.Spec.ScaleTargetRef ||
		!equality.Semantic.DeepEqual(old.OwnerReferences, now.OwnerReferences) || a.Status != b.Status || a.Reason != b.Reason
}

// never: an Event that is repeated says what it said.
func never(event.UpdateEvent) bool { return false }

func neverDeleted(event.DeleteEvent) bool { return false }
