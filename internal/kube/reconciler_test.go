package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// reconciler is one over the guide's service and other objects, and the Events it gives.
func reconciler(t *testing.T, keda bool, applyError error, more ...client.Object) (*Reconciler, *events.FakeRecorder) {
	t.Helper()
	o := cluster.NewObject(kserve.InferenceServiceKind)
	if err := yaml.Unmarshal([]byte(kservetest.Guide), &o.Object); err != nil {
		t.Fatal(err)
	}
	o.SetGroupVersionKind(kserve.InferenceServiceKind)
	c := kubetest.Builder(t).WithObjects(append(more, o)...).
		WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
				return applyError
			},
		}).Build()
	recorder := events.NewFakeRecorder(20)
	return &Reconciler{Client: c, Live: c, Events: recorder, KEDA: func() bool { return keda }, Acts: func() bool { return true }, Now: time.Now, Demand: quietly}, recorder
}

// quietly is what no gateway reports.
func quietly(demand.Service) demand.Demand { return demand.Demand{Idle: demand.TTL} }

func reconcile(t *testing.T, r *Reconciler) ctrl.Result {
	t.Helper()
	res, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: llama})
	if err != nil {
		t.Fatalf("Reconcile() = %v", err)
	}
	return res
}

// said drains the recorder.
func said(r *events.FakeRecorder) string {
	var all []string
	for len(r.Events) > 0 {
		all = append(all, <-r.Events)
	}
	return strings.Join(all, "\n")
}

func TestNoticesAreGivenOnce(t *testing.T) {
	r, recorder := reconciler(t, false, nil)
	if res := reconcile(t, r); res.RequeueAfter != cluster.LookPeriod {
		t.Errorf("RequeueAfter = %s, want %s while KEDA is missing", res.RequeueAfter, cluster.LookPeriod)
	}
	if got := said(recorder); !strings.HasPrefix(got, "Warning KEDAMissing") {
		t.Errorf("said %q, want KEDAMissing", got)
	}
	reconcile(t, r)
	if got := said(recorder); got != "" {
		t.Errorf("said %q the second time, want nothing", got)
	}
}

// The watches may lag behind: what is about to be created is decided on live objects.
func TestCreateLooksTwice(t *testing.T) {
	rival := hpa("theirs", nil)
	rival.Namespace = "demo"
	r, recorder := reconciler(t, true, nil)
	behind, _ := reconciler(t, true, nil, &rival)
	r.Live = behind.Client
	reconcile(t, r)
	if got := said(recorder); !strings.Contains(got, "AnotherAutoscaler") || strings.Contains(got, "Created") {
		t.Errorf("said %q, want the autoscaler that only the API server knows yet", got)
	}
}

func TestConflictIsRetriedInSilence(t *testing.T) {
	r, recorder := reconciler(t, true, apierrors.NewConflict(schema.GroupResource{Resource: "scaledobjects"}, "llama-predictor", nil))
	if res := reconcile(t, r); res.RequeueAfter != time.Second || said(recorder) != "" {
		t.Errorf("Reconcile() = %+v, want another try in a second and no Event", res)
	}
}

// While requests are held the delay between two tries does not grow.
func TestApplyErrorWhileHeld(t *testing.T) {
	r, recorder := reconciler(t, true, apierrors.NewInternalError(errors.New("webhook: connection refused")))
	r.Demand = func(demand.Service) demand.Demand {
		return demand.Demand{Work: demand.Work{Held: 1}, Gateways: 1}
	}
	if res := reconcile(t, r); res.RequeueAfter != time.Second {
		t.Errorf("RequeueAfter = %s, want a second", res.RequeueAfter)
	}
	if got := said(recorder); !strings.Contains(got, "Warning ApplyFailed") {
		t.Errorf("said %q, want ApplyFailed", got)
	}
}

// A wake is looked at again when it may be withdrawn, not before.
func TestWakeIsLookedAtAgain(t *testing.T) {
	so := woken(2)
	so.Namespace = "demo"
	r, _ := reconciler(t, true, nil, kubetest.Untyped(t, kserve.ScaledObjectKind, so))
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(t.Context(), types.NamespacedName{Namespace: "demo", Name: "llama"}, raw); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(raw.Object, int64(0), "spec", "predictor", "minReplicas"); err != nil {
		t.Fatal(err)
	}
	if err := r.Client.Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ quietIn, want time.Duration }{{3 * time.Second, 3 * time.Second}, {0, 0}} {
		r.Demand = func(demand.Service) demand.Demand { return demand.Demand{Idle: demand.TTL - tc.quietIn} }
		if res := reconcile(t, r); res.RequeueAfter != tc.want {
			t.Errorf("quiet in %s: RequeueAfter = %s, want %s", tc.quietIn, res.RequeueAfter, tc.want)
		}
	}
}

func TestApplyErrorIsTold(t *testing.T) {
	r, recorder := reconciler(t, true, apierrors.NewBadRequest(`admission webhook "vscaledobject.kb.io" denied the request`))
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: llama}); err == nil {
		t.Error("Reconcile() = nil, want the error, which is retried")
	}
	if got := said(recorder); !strings.Contains(got, "Warning ApplyFailed") || !strings.Contains(got, "denied the request") {
		t.Errorf("said %q, want KEDA's own words", got)
	}
}

// TestStaleReadLowersNoWake: the minimum that a wake has raised stands in the cluster, and
// the watch has not brought it yet. Fewer requests are held by now.
func TestStaleReadLowersNoWake(t *testing.T) {
	isvc := kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t, "minReplicas: 1", "minReplicas: 0"))
	fresh := count(kubetest.Builder(t).WithReturnManagedFields().WithObjects(isvc).Build())
	held := 0
	r := &Reconciler{
		Client: fresh, Live: fresh, Events: events.NewFakeRecorder(20), KEDA: func() bool { return true },
		Acts: func() bool { return true }, Now: time.Now,
		Demand: func(demand.Service) demand.Demand {
			return demand.Demand{Work: demand.Work{Held: held}, Gateways: 1}
		},
	}
	reconcile(t, r)
	stale := cluster.NewObject(kserve.ScaledObjectKind)
	key := client.ObjectKey{Namespace: "demo", Name: "llama-predictor"}
	if err := fresh.Get(t.Context(), key, stale); err != nil {
		t.Fatal(err)
	}
	held = 5
	reconcile(t, r)
	held = 1
	r.Client = interceptor.NewClient(fresh, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, k client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if u, ok := o.(*unstructured.Unstructured); ok && k == key && u.GetKind() == kserve.ScaledObjectKind.Kind {
				stale.DeepCopyInto(u)
				return nil
			}
			return c.Get(ctx, k, o, opts...)
		},
	})
	if res := reconcile(t, r); res.RequeueAfter == 0 || res.RequeueAfter > time.Second {
		t.Errorf("RequeueAfter = %s, want another look soon", res.RequeueAfter)
	}
	now, so := cluster.NewObject(kserve.ScaledObjectKind), &kserve.ScaledObject{}
	if err := fresh.Get(t.Context(), key, now); err != nil {
		t.Fatal(err)
	}
	if err := kserve.Decode(now, so); err != nil {
		t.Fatal(err)
	}
	if got := kserve.Raised(so); got != 5 {
		t.Errorf("the raised minimum = %d, want 5", got)
	}
}

// TestDeputyOnlyRaises (INV-10): what it is asked about may be anything by then.
func TestDeputyOnlyRaises(t *testing.T) {
	held, quiet := demand.Demand{Work: demand.Work{Held: 3}, Gateways: 1}, demand.Demand{Idle: demand.TTL}
	r, n := healthy(t)
	ask := func() {
		t.Helper()
		if res, err := (deputy{r}).Reconcile(t.Context(), ctrl.Request{NamespacedName: llama}); err != nil || res != (ctrl.Result{}) {
			t.Errorf("Reconcile = %+v, %v, want nothing more to do", res, err)
		}
	}
	writesNothing := func(when string) {
		t.Helper()
		n.writes = nil
		if ask(); len(n.writes) > 0 {
			t.Errorf("%s: writes %v, want none", when, n.writes)
		}
	}
	holds := func(d demand.Demand) { r.Demand = func(demand.Service) demand.Demand { return d } }
	own := cluster.NewObject(kserve.ScaledObjectKind)
	key := client.ObjectKey{Namespace: "demo", Name: "llama-predictor"}
	if err := n.Get(t.Context(), key, own); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(own.Object, int64(7), "spec", "pollingInterval"); err != nil {
		t.Fatal(err)
	}
	if err := n.Update(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	writesNothing("nothing held, a drift that is the leader's")
	holds(held)
	ask()
	if err := n.Get(t.Context(), key, own); err != nil {
		t.Fatal(err)
	}
	var so kserve.ScaledObject
	if err := kserve.Decode(own, &so); err != nil || kserve.Raised(&so) != 3 {
		t.Fatalf("three held: raised to %d, %v, want 3", kserve.Raised(&so), err)
	}
	writesNothing("raised already")
	holds(quiet)
	writesNothing("nothing held")
	holds(demand.Demand{Work: demand.Work{Held: 8}, Gateways: 1})
	r.Acts = func() bool { return false }
	writesNothing("another installation acts")
	r.Acts = func() bool { return true }
	if err := n.Delete(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	writesNothing("held, without a ScaledObject, which is the leader's to create")
}
