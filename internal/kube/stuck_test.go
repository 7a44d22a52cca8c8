package kube

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/pulse"
)

// hanging is an API server that accepts and does not answer.
type hanging struct{ client.Client }

func (hanging) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
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
		r.Client = hanging{cached}
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
