package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// A counted cluster notes each write, and each list that walks through a namespace.
type counted struct {
	client.WithWatch
	writes, walks []string
	live          int // requests that go past the watches
}

func (c *counted) wrote(verb string, o any) {
	c.writes = append(c.writes, fmt.Sprintf("%s %T", verb, o))
}

func count(c client.WithWatch) *counted {
	n := &counted{}
	n.WithWatch = interceptor.NewClient(c, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			n.wrote("apply", o)
			return c.Apply(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			n.wrote("patch", o)
			return c.Patch(ctx, o, p, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			n.wrote("create", o)
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			n.wrote("update", o)
			return c.Update(ctx, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			n.wrote("delete", o)
			return c.Delete(ctx, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			var o client.ListOptions
			if o.ApplyOptions(opts); o.FieldSelector == nil && o.LabelSelector == nil {
				n.walks = append(n.walks, fmt.Sprintf("%T", l))
			}
			return c.List(ctx, l, opts...)
		},
	})
	return n
}

// Get and List of a live reader are requests.
type live struct {
	client.Reader
	n *counted
}

func (l live) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	l.n.live++
	return l.Reader.Get(ctx, key, o, opts...)
}

func (l live) List(ctx context.Context, o client.ObjectList, opts ...client.ListOption) error {
	l.n.live++
	return l.Reader.List(ctx, o, opts...)
}

// healthy is the guide's service, scaled by Flyball, and its reconciler.
func healthy(t *testing.T) (*Reconciler, *counted) {
	t.Helper()
	isvc := kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t))
	auth := cluster.NewObject(kserve.TriggerAuthenticationKind)
	auth.SetName("prom-basic-auth")
	auth.SetNamespace("demo")
	n := count(kubetest.Builder(t).WithReturnManagedFields().WithObjects(isvc, auth).Build())
	r := &Reconciler{Client: n, Live: live{n.WithWatch, n}, Events: events.NewFakeRecorder(20), KEDA: func() bool { return true }, Acts: func() bool { return true }, Now: time.Now, Demand: quietly}
	reconcile(t, r)
	if diff := cmp.Diff([]string{"apply *client.unstructuredApplyConfiguration"}, n.writes); diff != "" {
		t.Fatalf("to create it: -want +got\n%s", diff)
	}
	n.writes, n.walks, n.live = nil, nil, 0
	return r, n
}

// TestHealthyServiceCausesNoWrite (INV-9): no write, no request past the watches, no
// walk through a namespace.
func TestHealthyServiceCausesNoWrite(t *testing.T) {
	r, n := healthy(t)
	for range 3 {
		if res := reconcile(t, r); res != (ctrl.Result{}) {
			t.Errorf("Reconcile = %+v, want nothing more to do", res)
		}
	}
	if len(n.writes) > 0 || len(n.walks) > 0 || n.live > 0 {
		t.Errorf("writes %v, walks %v, %d requests past the watches, want none", n.writes, n.walks, n.live)
	}
}

// TestServerIsNamed: where the administrator names others, a service with a ScaledObject
// keeps it with an Event and without a write, and one without gets none.
func TestServerIsNamed(t *testing.T) {
	r, n := healthy(t)
	recorder := events.NewFakeRecorder(20)
	r.Servers, r.Events = kserve.Servers{"http://prometheus:9090"}, recorder
	reconcile(t, r)
	if got := said(recorder); !strings.HasPrefix(got, "Warning MetricServerNotAllowed") || len(n.writes) > 0 {
		t.Errorf("with a ScaledObject: said %q, wrote %v, want MetricServerNotAllowed and nothing", got, n.writes)
	}
	so := cluster.NewObject(kserve.ScaledObjectKind)
	so.SetName("llama-predictor")
	so.SetNamespace("demo")
	if err := n.Delete(t.Context(), so); err != nil {
		t.Fatal(err)
	}
	n.writes = nil
	reconcile(t, r)
	if got := said(recorder); !strings.HasPrefix(got, "Warning MetricServerRefused") || len(n.writes) > 0 {
		t.Errorf("without: said %q, wrote %v, want MetricServerRefused and nothing", got, n.writes)
	}
}

// TestDriftIsRepaired: each field of ours is put back with one write, what others add
// stays, and then all is quiet.
func TestDriftIsRepaired(t *testing.T) {
	set := func(value any, path ...string) func(*unstructured.Unstructured) error {
		return func(o *unstructured.Unstructured) error { return unstructured.SetNestedField(o.Object, value, path...) }
	}
	trigger := func(change func(map[string]any)) func(*unstructured.Unstructured) error {
		return func(o *unstructured.Unstructured) error {
			all, _, err := unstructured.NestedSlice(o.Object, "spec", "triggers")
			if err != nil {
				return err
			}
			change(all[0].(map[string]any))
			return unstructured.SetNestedSlice(o.Object, all, "spec", "triggers")
		}
	}
	remove := func(path ...string) func(*unstructured.Unstructured) error {
		return func(o *unstructured.Unstructured) error {
			unstructured.RemoveNestedField(o.Object, path...)
			return nil
		}
	}
	for name, tc := range map[string]struct {
		change func(*unstructured.Unstructured) error
		writes int
	}{
		"maximum":                {set(int64(2), "spec", "maxReplicaCount"), 1},
		"minimum taken away":     {remove("spec", "minReplicaCount"), 1},
		"target":                 {set("web", "spec", "scaleTargetRef", "name"), 1},
		"query":                  {trigger(func(t map[string]any) { t["metadata"].(map[string]any)["query"] = "1" }), 1},
		"more in a trigger":      {trigger(func(t map[string]any) { t["name"] = "x" }), 1},
		"fallback":               {set(int64(9), "spec", "fallback", "replicas"), 1},
		"behavior":               {set(int64(1), "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown", "stabilizationWindowSeconds"), 1},
		"label":                  {set("someone", "metadata", "labels", kserve.ManagedByLabel), 1},
		"owner":                  {remove("metadata", "ownerReferences"), 1},
		"polling interval":       {set(int64(5), "spec", "pollingInterval"), 0},
		"a pause":                {set("true", "metadata", "annotations", "autoscaling.keda.sh/paused"), 0},
		"a label of another one": {set("b", "metadata", "labels", "a"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, n := healthy(t)
			o := cluster.NewObject(kserve.ScaledObjectKind)
			read := func() *unstructured.Unstructured {
				o := o.DeepCopy()
				if err := n.Get(t.Context(), client.ObjectKey{Namespace: "demo", Name: "llama-predictor"}, o); err != nil {
					t.Fatal(err)
				}
				return o
			}
			was, drifting := read(), read()
			if err := tc.change(drifting); err != nil {
				t.Fatal(err)
			}
			if err := n.Update(t.Context(), drifting, client.FieldOwner("someone")); err != nil {
				t.Fatal(err)
			}
			n.writes = nil
			reconcile(t, r)
			reconcile(t, r)
			if len(n.writes) != tc.writes {
				t.Errorf("writes = %v, want %d", n.writes, tc.writes)
			}
			if again, _, err := apply.ScaledObject(t.Context(), r.Client, kserve.Manager, nil, ofOurs(t, r)); again || err != nil {
				t.Errorf("after that it has drifted: %t, %v", again, err)
			}
			if tc.writes == 0 {
				was = drifting
			}
			if diff := cmp.Diff(was.Object["spec"], read().Object["spec"]); diff != "" {
				t.Errorf("spec: -want +got\n%s", diff)
			}
		})
	}
}

// ofOurs is what Flyball applies for the service there.
func ofOurs(t *testing.T, r *Reconciler) *kserve.ScaledObject {
	t.Helper()
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(t.Context(), llama, raw); err != nil {
		t.Fatal(err)
	}
	o, err := r.observe(t.Context(), r.Client, raw)
	if err != nil {
		t.Fatal(err)
	}
	return o.verdict().Apply
}

// TestFieldTakenAwayIsWithdrawn: what Flyball has applied and wants no more is drift too.
func TestFieldTakenAwayIsWithdrawn(t *testing.T) {
	r, n := healthy(t)
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := n.Get(t.Context(), llama, raw); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(raw.Object, int64(0), "spec", "predictor", "minReplicas"); err != nil {
		t.Fatal(err)
	}
	if err := n.Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	n.writes = nil
	reconcile(t, r)
	so := &kserve.ScaledObject{}
	o := cluster.NewObject(kserve.ScaledObjectKind)
	if err := n.Get(t.Context(), client.ObjectKey{Namespace: "demo", Name: "llama-predictor"}, o); err != nil {
		t.Fatal(err)
	}
	if err := kserve.Decode(o, so); err != nil {
		t.Fatal(err)
	}
	if so.Spec.Fallback != nil || len(n.writes) != 1 {
		t.Errorf("fallback = %v after %v, want none: from zero it would wake the service", so.Spec.Fallback, n.writes)
	}
	reconcile(t, r)
	if len(n.writes) != 1 {
		t.Errorf("writes = %v, want one", n.writes)
	}
}
