package promised

import (
	"context"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// Cached is what a manager watches for Services: of pods how they are, and, where they are to
// be read directly, where; of their owners no more than how many they have, and the GPUs of one.
func Cached(direct bool) cache.Options {
	pods := cache.ByObject{Transform: cluster.Slim}
	if direct {
		pods.Transform = exposed
	}
	return cache.Options{DefaultTransform: applied, ByObject: map[client.Object]cache.ByObject{
		&corev1.Pod{}:           pods,
		&appsv1.Deployment{}:    {Transform: bare},
		&appsv1.StatefulSet{}:   {Transform: bare},
		&corev1.Namespace{}:     {Transform: cache.TransformStripManagedFields()},
		&corev1.ResourceQuota{}: {Transform: cache.TransformStripManagedFields()},
	}}
}

// applied leaves of an object's managed fields those that were applied, by which Flyball knows its
// own. What KEDA and kubectl have written is as long as the object itself.
func applied(o any) (any, error) {
	m, ok := o.(metav1.Object)
	if !ok {
		return o, nil // the last known state of what is gone
	}
	m.SetManagedFields(slices.DeleteFunc(m.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Operation != metav1.ManagedFieldsOperationApply
	}))
	return o, nil
}

// bare takes the template off, but for its GPUs.
func bare(o any) (any, error) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		o.ManagedFields, o.Annotations, o.Spec.Template = nil, nil, counted(&o.Spec.Template)
	case *appsv1.StatefulSet:
		o.ManagedFields, o.Annotations, o.Spec.Template, o.Spec.VolumeClaimTemplates = nil, nil, counted(&o.Spec.Template), nil
	}
	return o, nil
}

// counted is a template of which the GPUs are left.
func counted(t *corev1.PodTemplateSpec) (gpus corev1.PodTemplateSpec) {
	if list := vllm.Resources(t.Spec.Containers); len(list) > 0 {
		gpus.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: list}}}
	}
	return gpus
}

// Setup has each replica follow ScaledObjects, once KEDA's kind is served, and all that
// they depend on.
func (s *Services) Setup(ctx context.Context, mgr ctrl.Manager, kinds *cluster.Kinds) error {
	if !kinds.Await(ctx, kserve.ScaledObjectKind) {
		return nil
	}
	if err := cluster.AddIndexes(ctx, mgr.GetFieldIndexer(), cluster.NewObject(kserve.ScaledObjectKind)); err != nil {
		return err
	}
	c, err := ctrl.NewControllerManagedBy(mgr).
		Named("scaledobject").
		For(cluster.NewObject(kserve.ScaledObjectKind), builder.WithPredicates(predicate.Funcs{UpdateFunc: changed})).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(s.within), builder.WithPredicates(predicate.Funcs{UpdateFunc: relabelled})).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(s.onto), builder.WithPredicates(predicate.Funcs{UpdateFunc: another})).
		Watches(&appsv1.StatefulSet{}, handler.EnqueueRequestsFromMapFunc(s.onto), builder.WithPredicates(predicate.Funcs{UpdateFunc: another})).
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		Build(s)
	if err != nil {
		return fmt.Errorf("following ScaledObjects: %w", err)
	}
	// Who was refused for another one's sake is looked at again when that one changes.
	if err := c.Watch(source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.ScaledObjectKind)),
		handler.EnqueueRequestsFromMapFunc(s.rivals), predicate.Funcs{UpdateFunc: changed})); err != nil {
		return fmt.Errorf("following ScaledObjects: %w", err)
	}
	if err := s.followQuotas(ctx, mgr.GetCache()); err != nil {
		return err
	}
	if err := s.Reading.Begin(ctx, mgr.GetCache(), cluster.NewObject(kserve.ScaledObjectKind),
		&corev1.Namespace{}, &appsv1.Deployment{}, &appsv1.StatefulSet{}, &corev1.Pod{}); err != nil {
		return err
	}
	if !kinds.Await(ctx, kserve.InferenceServiceKind) { // where there is no KServe, none is looked for
		return nil
	}
	if err := c.Watch(source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.InferenceServiceKind)),
		handler.EnqueueRequestsFromMapFunc(s.predictor), predicate.Funcs{UpdateFunc: reclassed})); err != nil {
		return fmt.Errorf("following InferenceServices: %w", err)
	}
	return nil
}

func changed(e event.UpdateEvent) bool {
	old, now := e.ObjectOld, e.ObjectNew
	return old.GetGeneration() != now.GetGeneration() || another(e) || (old.GetDeletionTimestamp() == nil) != (now.GetDeletionTimestamp() == nil)
}

func another(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() }

func relabelled(e event.UpdateEvent) bool {
	return e.ObjectOld.GetLabels()[autoscaler.OptIn] != e.ObjectNew.GetLabels()[autoscaler.OptIn]
}

func reclassed(e event.UpdateEvent) bool {
	return changed(e) || !maps.Equal(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations())
}

// within are all ScaledObjects of a namespace.
func (s *Services) within(ctx context.Context, o client.Object) []ctrl.Request {
	return s.requests(ctx, client.InNamespace(o.GetName()))
}

// onto are those that scale an object.
func (s *Services) onto(ctx context.Context, o client.Object) []ctrl.Request {
	return s.requests(ctx, client.InNamespace(o.GetNamespace()), client.MatchingFields{cluster.ByTarget: o.GetName()})
}

// predictor are those that scale an InferenceService's Deployment.
func (s *Services) predictor(ctx context.Context, o client.Object) []ctrl.Request {
	return s.requests(ctx, client.InNamespace(o.GetNamespace()), client.MatchingFields{cluster.ByTarget: kserve.PredictorName(o.GetName())})
}

// rivals are those on the target of one.
func (s *Services) rivals(ctx context.Context, o client.Object) []ctrl.Request {
	var all []ctrl.Request
	for _, name := range cluster.TargetOf(o) {
		all = append(all, s.requests(ctx, client.InNamespace(o.GetNamespace()), client.MatchingFields{cluster.ByTarget: name})...)
	}
	return all
}

func (s *Services) requests(ctx context.Context, opts ...client.ListOption) []ctrl.Request {
	list := cluster.NewList(kserve.ScaledObjectKind)
	if s.Client.List(ctx, list, opts...) != nil {
		return nil // before the cache is filled: their own events come
	}
	all := make([]ctrl.Request, len(list.Items))
	for i := range list.Items {
		all[i] = ctrl.Request{NamespacedName: types.NamespacedName{Namespace: list.Items[i].GetNamespace(), Name: list.Items[i].GetName()}}
	}
	return all
}
