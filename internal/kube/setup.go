package kube

import (
	"context"
	"errors"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// discoveryPeriod is how often an absent CRD is looked for.
const discoveryPeriod = 5 * time.Second

// Setup adds the reconciler to a manager. It starts as soon as the CRDs of KServe
// and KEDA are there, whenever that is.
func Setup(mgr ctrl.Manager) error {
	return mgr.Add(leading{func(ctx context.Context) error {
		if err := awaitKinds(ctx, mgr); err != nil {
			return nil //nolint:nilerr // the manager stops; it has nothing to report
		}
		return build(mgr)
	}})
}

// leading runs on the leader only.
type leading struct{ manager.RunnableFunc }

// NeedLeaderElection makes the manager wait for the lease.
func (leading) NeedLeaderElection() bool { return true }

func awaitKinds(ctx context.Context, mgr ctrl.Manager) error {
	told := ""
	for {
		var missing []string
		for _, kind := range []schema.GroupVersionKind{InferenceServiceKind, ScaledObjectKind, TriggerAuthenticationKind} {
			_, err := mgr.GetRESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
			if meta.IsNoMatchError(err) || errors.As(err, new(*meta.NoKindMatchError)) {
				missing = append(missing, kind.Kind+"."+kind.Group)
			} else if err != nil {
				missing = append(missing, err.Error())
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if now := strings.Join(missing, ", "); now != told {
			mgr.GetLogger().Info("waiting for custom resources to be installed", "missing", now)
			told = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(discoveryPeriod):
		}
	}
}

func build(mgr ctrl.Manager) error {
	r := &Reconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder(Manager)}
	inNamespace := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []ctrl.Request {
		return servicesOf(ctx, mgr.GetClient(), o.GetNamespace())
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("inferenceservice").
		For(newObject(InferenceServiceKind)).
		Watches(newObject(ScaledObjectKind), handler.EnqueueRequestsFromMapFunc(serviceOfPredictor)).
		Watches(newObject(TriggerAuthenticationKind), inNamespace).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, handler.EnqueueRequestsFromMapFunc(serviceOfHPA)).
		Complete(r)
}

func serviceOfPredictor(_ context.Context, o client.Object) []ctrl.Request {
	return request(o.GetNamespace(), o.GetName())
}

func serviceOfHPA(_ context.Context, o client.Object) []ctrl.Request {
	h, ok := o.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return nil
	}
	return request(h.Namespace, h.Spec.ScaleTargetRef.Name)
}

func request(namespace, predictor string) []ctrl.Request {
	name, ok := strings.CutSuffix(predictor, "-predictor")
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}}
}

func servicesOf(ctx context.Context, c client.Client, namespace string) []ctrl.Request {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(InferenceServiceKind)
	if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil // the cache is not synced yet; the services' own events come
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}
