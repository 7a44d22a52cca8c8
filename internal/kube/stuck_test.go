package kube

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// mute is an API server that accepts and does not answer.
type mute struct{ client.Client }

func (mute) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestStuckReconciliation: one that hangs fails the liveness probe, by its name; one that
// waits for the API server ends before, and a replica that is passive is well.
func TestStuckReconciliation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := reconciler(t, true, nil)
		r.Pulse = pulse.New(slog.New(slog.DiscardHandler))
		req := ctrl.Request{NamespacedName: llama}

		r.Acts = func() bool { return false }
		reconcile(t, r)
		<-time.After(2 * pulse.Limit)
		if err := r.Pulse.Check(); err != nil {
			t.Errorf("passive: Check() = %v, want nil", err)
		}

		r.Acts = func() bool { return true }
		cached := r.Client
		r.Client = mute{cached}
		if _, err := r.Reconcile(t.Context(), req); err == nil || r.Pulse.Check() != nil {
			t.Errorf("an API server that hangs: Reconcile() = %v, Check() = %v, want an error and nil", err, r.Pulse.Check())
		}

		r.Client = cached
		release, done := make(chan struct{}), make(chan struct{})
		r.KEDA = func() bool { <-release; return true }
		go func() { defer close(done); _, _ = r.Reconcile(t.Context(), req) }()
		<-time.After(pulse.Limit + time.Second)
		if err := r.Pulse.Check(); err == nil || !strings.HasPrefix(err.Error(), "reconciling demo/llama has not come to an end") {
			t.Errorf("deadlocked: Check() = %v, want what is stuck", err)
		}
		close(release)
		<-done
		if err := r.Pulse.Check(); err != nil {
			t.Errorf("afterwards: Check() = %v, want nil", err)
		}
	})
}

// TestStuckIsTold: what the administrator forbids is the controller's to know, and
// gateways are told it.
func TestStuckIsTold(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: llama.Namespace, Name: "llama-predictor"}}
	d.Spec.Replicas = new(int32(0))
	r, _ := reconciler(t, true, nil, d)
	r.Servers = kserve.Servers{"http://prometheus:9090"}
	key := demand.Service(llama)
	if why := r.stuck(t.Context(), key); !strings.Contains(why, "--metric-servers") {
		t.Errorf("stuck() = %q, want the servers that may be asked", why)
	}
	r.Servers = nil
	if why := r.stuck(t.Context(), key); why != "" {
		t.Errorf("any server may be asked: stuck() = %q, want nothing", why)
	}
	service := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(t.Context(), llama, service); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(service.Object, "spec", "predictor", "autoScaling")
	if err := r.Client.Update(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	if why := r.stuck(t.Context(), key); why != "" {
		t.Errorf("without metrics, by an InferenceAutoscaler or by nobody: stuck() = %q, want nothing", why)
	}
	gone := cluster.NewObject(kserve.InferenceServiceKind)
	gone.SetNamespace(llama.Namespace)
	gone.SetName(llama.Name)
	if err := r.Client.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if why := r.stuck(t.Context(), key); why != "" {
		t.Errorf("it is gone: stuck() = %q, want nothing", why)
	}
}
