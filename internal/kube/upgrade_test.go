package kube

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// before reads an object as a version of before left it on a real API server: its
// ScaledObjects are those that its controller applied.
func before(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile("testdata/before/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(text); err != nil { // with the numbers of an API server's answer
		t.Fatal(err)
	}
	return o
}

// TestUpgradeKeepsScaling: what a version of before applied is this one's with the spec that
// it has, raised minimum and all, and is settled as its own. Nothing is deleted; one write at
// most says what that version did not, since when a service has been waking.
func TestUpgradeKeepsScaling(t *testing.T) {
	for name, tc := range map[string]struct {
		raised        int32
		takes, settle int // writes
	}{"serving": {0, 0, 0}, "asleep": {0, 0, 0}, "woken": {3, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			so := before(t, name+"-scaledobject")
			auth := cluster.NewObject(kserve.TriggerAuthenticationKind)
			auth.SetName("prom-basic-auth")
			auth.SetNamespace(so.GetNamespace())
			n := count(kubetest.Builder(t).WithReturnManagedFields().WithObjects(before(t, name+"-inferenceservice"), so, auth).Build())
			heard := demand.Demand{} // no gateway has reported to the new controller yet
			r := &Reconciler{
				Client: n, Live: live{n.WithWatch, n}, Events: events.NewFakeRecorder(20), KEDA: func() bool { return true },
				Acts: func() bool { return true }, Now: time.Now, Demand: func(demand.Service) demand.Demand { return heard },
				Servers: kserve.Servers{"http://prometheus-operated.cpaas-system.svc.cluster.local:9090"}, // as config/ names it
			}
			ask := func() *kserve.ScaledObject {
				t.Helper()
				if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: so.GetNamespace(), Name: "llama"}}); err != nil {
					t.Fatal(err)
				}
				return theSame(t, n, so, heard.Gateways == 0)
			}
			for range 3 {
				if got := kserve.Raised(ask()); got != tc.raised || len(n.writes) != tc.takes {
					t.Errorf("raised to %d, want %d as before; writes %v, want %d", got, tc.raised, n.writes, tc.takes)
				}
			}
			heard, n.writes = demand.Demand{Gateways: 1, Idle: demand.TTL}, nil
			for range 3 {
				if got := kserve.Raised(ask()); got != 0 || len(n.writes) != tc.settle {
					t.Errorf("once nothing is held: raised to %d, want 0; writes %v, want %d", got, n.writes, tc.settle)
				}
			}
		})
	}
}

// theSame is what has become of an object: it is the same one, if need be to its spec.
func theSame(t *testing.T, n *counted, was *unstructured.Unstructured, spec bool) *kserve.ScaledObject {
	t.Helper()
	now, decoded := cluster.NewObject(kserve.ScaledObjectKind), &kserve.ScaledObject{}
	if err := n.Get(t.Context(), client.ObjectKeyFromObject(was), now); err != nil {
		t.Fatal(err)
	}
	if now.GetUID() != was.GetUID() {
		t.Errorf("UID = %s, want that of before, %s", now.GetUID(), was.GetUID())
	}
	if diff := cmp.Diff(was.Object["spec"], now.Object["spec"]); diff != "" && spec {
		t.Errorf("spec: -before +now\n%s", diff)
	}
	if err := kserve.Decode(now, decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}
