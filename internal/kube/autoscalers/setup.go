package autoscalers

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// Setup has the replica that leads follow InferenceAutoscalers, once their kind and KEDA's are
// served, and what they ask for is looked at.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager, kinds *cluster.Kinds) error {
	if !kinds.Await(ctx, v1alpha1.Kind) {
		return nil
	}
	select { // an index comes before the first watch
	case <-r.Services.Followed():
	case <-ctx.Done():
		return nil
	}
	if err := cluster.AddIndexes(ctx, mgr.GetFieldIndexer(), &v1alpha1.InferenceAutoscaler{}, &autoscalingv2.HorizontalPodAutoscaler{}); err != nil {
		return err
	}
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.InferenceAutoscaler{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(cluster.NewObject(kserve.ScaledObjectKind), handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.InferenceAutoscaler{}, handler.OnlyControllerOwner())).
		Complete(r)
	if err != nil {
		return fmt.Errorf("following InferenceAutoscalers: %w", err)
	}
	return nil
}
