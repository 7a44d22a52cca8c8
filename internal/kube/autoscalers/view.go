package autoscalers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// view reads what an InferenceAutoscaler is judged by.
func (r *Reconciler) view(ctx context.Context, from client.Reader, a *v1alpha1.InferenceAutoscaler) (autoscaler.View, error) {
	v := autoscaler.View{InferenceAutoscaler: a, Now: r.Now(), KEDA: r.KEDA()}
	w := objective.WorkloadOf(a.Spec.TargetRef)
	service := ""
	if a.Spec.TargetRef.Kind == kserve.InferenceServiceKind.Kind {
		service = a.Spec.TargetRef.Name
	}
	var err error
	if v.Heard, err = r.Services.Heard(ctx, a.Namespace); err != nil {
		return v, err
	}
	object := workload(w.Kind)
	switch err := r.Client.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: w.Name}, object); {
	case err == nil:
		v.Replicas = new(ready(object))
		if w.Kind == "Deployment" && service == "" {
			service = kserve.ServiceOf(object.GetLabels(), w.Name)
		}
	case !apierrors.IsNotFound(err):
		return v, fmt.Errorf("reading %s %s: %w", w.Kind, w.Name, err)
	}
	if service != "" && r.KServe() {
		v.InferenceService, err = one[kserve.InferenceService](ctx, from, kserve.InferenceServiceKind, client.ObjectKey{Namespace: a.Namespace, Name: service})
	}
	if err != nil {
		return v, err
	}
	return v, r.others(ctx, from, w, &v)
}

// others reads what else may scale the workload.
func (r *Reconciler) others(ctx context.Context, from client.Reader, w objective.Workload, v *autoscaler.View) error {
	within := client.InNamespace(v.Namespace)
	var peers v1alpha1.InferenceAutoscalerList
	if err := from.List(ctx, &peers, within, client.MatchingFields{cluster.ByWorkload: w.String()}); err != nil {
		return fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	v.Peers = peers.Items
	onto := client.MatchingFields{cluster.ByTarget: w.Name}
	if v.KEDA {
		var err error
		if v.ScaledObject, err = one[kserve.ScaledObject](ctx, from, kserve.ScaledObjectKind, client.ObjectKeyFromObject(v)); err != nil {
			return err
		}
		if v.ScaledObjects, err = cluster.ReadAll[kserve.ScaledObject](ctx, from, kserve.ScaledObjectKind, within, onto); err != nil {
			return err
		}
	}
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	if err := from.List(ctx, &hpas, within, onto); err != nil {
		return fmt.Errorf("reading HorizontalPodAutoscalers: %w", err)
	}
	v.HPAs = hpas.Items
	return nil
}

// workload is an empty one of a kind.
func workload(kind string) client.Object {
	if kind == "StatefulSet" {
		return &appsv1.StatefulSet{}
	}
	return &appsv1.Deployment{}
}

// ready is how many replicas of it are.
func ready(o client.Object) int {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return int(o.Status.ReadyReplicas)
	case *appsv1.StatefulSet:
		return int(o.Status.ReadyReplicas)
	}
	return 0
}

// one reads an object of KServe or KEDA; nil: there is none.
func one[T any](ctx context.Context, from client.Reader, kind schema.GroupVersionKind, key client.ObjectKey) (*T, error) {
	raw, into := cluster.NewObject(kind), new(T)
	err := from.Get(ctx, key, raw)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err == nil {
		err = kserve.Decode(raw, into)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.Kind, key, err)
	}
	return into, nil
}
