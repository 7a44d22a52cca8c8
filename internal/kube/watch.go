package kube

import (
	"context"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// waker finds the services that an object concerns.
type waker struct{ client.Reader }

// of are the services in which a field has a value.
func (w waker) of(ctx context.Context, namespace, field, value string) []ctrl.Request {
	var requests []ctrl.Request
	for _, key := range cluster.Services(ctx, w.Reader, namespace, field, value) {
		requests = append(requests, ctrl.Request{NamespacedName: key})
	}
	return requests
}

// scaledObject is for the service whose own it is, by name, and for the one whose
// Deployment it scales.
func (w waker) scaledObject(ctx context.Context, o client.Object) []ctrl.Request {
	requests := w.of(ctx, o.GetNamespace(), cluster.ByDeployment, o.GetName())
	for _, target := range cluster.TargetOf(o) {
		if target != o.GetName() {
			requests = append(requests, w.of(ctx, o.GetNamespace(), cluster.ByDeployment, target)...)
		}
	}
	return requests
}

func (w waker) hpa(ctx context.Context, o client.Object) []ctrl.Request {
	var requests []ctrl.Request
	for _, target := range cluster.TargetOf(o) {
		requests = append(requests, w.of(ctx, o.GetNamespace(), cluster.ByDeployment, target)...)
	}
	return requests
}

func (w waker) deployment(ctx context.Context, o client.Object) []ctrl.Request {
	return w.of(ctx, o.GetNamespace(), cluster.ByDeployment, o.GetName())
}

// event is about a ScaledObject.
func (w waker) event(ctx context.Context, o client.Object) []ctrl.Request {
	e, ok := o.(*corev1.Event)
	if !ok {
		return nil
	}
	return w.of(ctx, e.Namespace, cluster.ByDeployment, e.InvolvedObject.Name)
}

func (w waker) authentication(ctx context.Context, o client.Object) []ctrl.Request {
	return w.of(ctx, o.GetNamespace(), cluster.ByAuthentication, o.GetName())
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

// deploymentChanged: it has left zero or its first pod is ready, or the other way round; somebody
// has scaled it by hand; or its pods are to be others, which KEDA's webhook may have asked for: it takes no cpu
// metric of a container without a request.
func deploymentChanged(e event.UpdateEvent) bool {
	old, ok1 := e.ObjectOld.(*appsv1.Deployment)
	now, ok2 := e.ObjectNew.(*appsv1.Deployment)
	if !ok1 || !ok2 {
		return true
	}
	return old.Generation != now.Generation && !equality.Semantic.DeepEqual(old.Spec.Template.Spec, now.Spec.Template.Spec) ||
		!equality.Semantic.DeepEqual(explain.ByHand(old), explain.ByHand(now)) ||
		(old.Status.ReadyReplicas > 0) != (now.Status.ReadyReplicas > 0) ||
		(ptr.Deref(old.Spec.Replicas, 1) > 0) != (ptr.Deref(now.Spec.Replicas, 1) > 0)
}

// never: an Event that is repeated says what it said.
func never(event.UpdateEvent) bool { return false }

func neverDeleted(event.DeleteEvent) bool { return false }
