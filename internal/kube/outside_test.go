package kube

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// drift changes what Flyball has to write again.
func drift(t *testing.T, n client.Client) {
	t.Helper()
	o := cluster.NewObject(kserve.ScaledObjectKind)
	if err := n.Get(t.Context(), client.ObjectKey{Namespace: "demo", Name: "llama-predictor"}, o); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(o.Object, int64(2), "spec", "maxReplicaCount"); err != nil {
		t.Fatal(err)
	}
	if err := n.Update(t.Context(), o, client.FieldOwner("someone")); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedInOneNamespace: rights that somebody takes away in one namespace are told
// there, and nobody else's service waits for it.
func TestRefusedInOneNamespace(t *testing.T) {
	r, n := healthy(t)
	other := kubetest.Service(t, "namespace: demo", "namespace: other")
	if err := n.Create(t.Context(), kubetest.Untyped(t, kserve.InferenceServiceKind, other)); err != nil {
		t.Fatal(err)
	}
	drift(t, n)
	recorder := events.NewFakeRecorder(20)
	r.Events = recorder
	r.Client = interceptor.NewClient(n, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			if text, err := json.Marshal(o); err != nil || strings.Contains(string(text), `"namespace":"demo"`) {
				return apierrors.NewForbidden(schema.GroupResource{Group: "keda.sh", Resource: "scaledobjects"}, "llama-predictor", errors.New("no RoleBinding"))
			}
			return c.Apply(ctx, o, opts...)
		},
	})
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: llama}); !apierrors.IsForbidden(err) {
		t.Errorf("Reconcile in demo = %v, want the refusal, which is retried", err)
	}
	if got := said(recorder); !strings.Contains(got, "Warning ApplyFailed") || !strings.Contains(got, "forbidden") {
		t.Errorf("said %q, want ApplyFailed and the API server's words", got)
	}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "other", Name: "llama"}}); err != nil {
		t.Errorf("Reconcile in other = %v, want nil", err)
	}
	if err := n.Get(t.Context(), client.ObjectKey{Namespace: "other", Name: "llama-predictor"}, cluster.NewObject(kserve.ScaledObjectKind)); err != nil {
		t.Errorf("the ScaledObject in other: %v, want one", err)
	}
}

// TestGoneMeanwhile: the service and its namespace go between the decision and the write.
func TestGoneMeanwhile(t *testing.T) {
	r, n := healthy(t)
	drift(t, n)
	recorder := events.NewFakeRecorder(20)
	r.Events = recorder
	r.Client = interceptor.NewClient(n, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, _ runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
			gone := cluster.NewObject(kserve.InferenceServiceKind)
			gone.SetNamespace("demo")
			gone.SetName("llama")
			if err := c.Delete(ctx, gone); err != nil {
				return err
			}
			return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "demo")
		},
	})
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: llama}); !apierrors.IsNotFound(err) {
		t.Errorf("Reconcile = %v, want what the API server says, to look again", err)
	}
	n.writes = nil
	if res, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: llama}); err != nil || res != (ctrl.Result{}) || len(n.writes) > 0 {
		t.Errorf("the next Reconcile = %+v, %v, writes %v, want nothing more", res, err, n.writes)
	}
}
