package autoscalers

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// Follow has each replica read InferenceAutoscalers and HPAs, once the kind of the former is served.
func (r *Reconciler) Follow(ctx context.Context, mgr ctrl.Manager, kinds *cluster.Kinds) error {
	if !kinds.Await(ctx, v1alpha1.Kind) {
		return nil
	}
	all := []client.Object{&v1alpha1.InferenceAutoscaler{}, &autoscalingv2.HorizontalPodAutoscaler{}}
	if err := cluster.AddIndexes(ctx, mgr.GetFieldIndexer(), all...); err != nil {
		return err
	}
	return r.Reading.Begin(ctx, mgr.GetCache(), all...)
}

// Setup has the replica that leads act on what is followed, and on ScaledObjects, once they are
// followed too: not every engine needs KEDA.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager, kinds *cluster.Kinds) error {
	if !r.Reading.AwaitBegin(ctx) {
		return nil
	}
	if kinds.Served(kserve.ScaledObjectKind) && !r.Services.Reading.AwaitBegin(ctx) {
		return nil
	}
	c, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.InferenceAutoscaler{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Build(r)
	if err != nil {
		return fmt.Errorf("following InferenceAutoscalers: %w", err)
	}
	besides := handler.EnqueueRequestsFromMapFunc(r.besides)
	if err := c.Watch(source.Kind(mgr.GetCache(), client.Object(&autoscalingv2.HorizontalPodAutoscaler{}), besides, comesOrGoes)); err != nil {
		return fmt.Errorf("following HorizontalPodAutoscalers: %w", err)
	}
	if !r.Services.Reading.AwaitBegin(ctx) { // their index comes before the first watch
		return nil
	}
	owner := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.InferenceAutoscaler{}, handler.OnlyControllerOwner())
	for _, from := range []source.Source{
		source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.ScaledObjectKind)), owner),
		source.Kind(mgr.GetCache(), client.Object(cluster.NewObject(kserve.ScaledObjectKind)), besides, predicate.GenerationChangedPredicate{}),
	} {
		if err := c.Watch(from); err != nil {
			return fmt.Errorf("following what else scales the targets of InferenceAutoscalers: %w", err)
		}
	}
	return nil
}

// comesOrGoes leaves out the updates of an HPA: its status has one every few seconds.
var comesOrGoes = predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}

// besides are the InferenceAutoscalers whose workload a ScaledObject or an HPA scales: where
// it stood in their way, they need not wait until they look again.
func (r *Reconciler) besides(ctx context.Context, o client.Object) []reconcile.Request {
	var all []reconcile.Request
	for _, name := range cluster.TargetOf(o) {
		for _, kind := range []string{"Deployment", "StatefulSet"} {
			var on v1alpha1.InferenceAutoscalerList
			w := objective.Workload{Kind: kind, Name: name}
			if r.Client.List(ctx, &on, client.InNamespace(o.GetNamespace()), client.MatchingFields{cluster.ByWorkload: w.String()}) != nil {
				continue // before the cache is filled: their own events come
			}
			for i := range on.Items {
				all = append(all, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&on.Items[i])})
			}
		}
	}
	return all
}
