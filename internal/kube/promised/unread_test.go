package promised

import (
	"context"
	"errors"
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

// unread is a client that cannot read for a moment.
type unread struct{ client.Reader }

func (unread) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("not now")
}

// A ScaledObject that cannot be read for a moment keeps what it was entitled to.
func TestUnread(t *testing.T) {
	v := newView(t, namespace(autoscaler.Enabled), workload("llama", 2), object(t))
	v.reconcile(t, "llama")
	v.Client = unread{v.Client}
	if _, err := v.Reconcile(t.Context(), ctrl.Request{NamespacedName: key("llama")}); err == nil {
		t.Error("Reconcile() = nil, want the error")
	}
	if _, err := v.Look(key("llama")); err != nil {
		t.Errorf("Look() = %v, want what was seen before", err)
	}
}
