package promised

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// owned is the ScaledObject of an InferenceAutoscaler, after replacements.
func owned(t *testing.T, replace ...string) client.Object {
	t.Helper()
	o := object(t, replace...)
	o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "flyball.dev/v1alpha1", Kind: "InferenceAutoscaler", Name: o.GetName(), UID: "ias", Controller: new(true)}})
	return o
}

// decoded is it as it is read.
func decoded(t *testing.T, o client.Object) *kserve.ScaledObject {
	t.Helper()
	so := &kserve.ScaledObject{}
	raw, ok := o.(*unstructured.Unstructured)
	if !ok {
		t.Fatalf("%T is no custom resource", o)
	}
	if err := kserve.Decode(raw, so); err != nil {
		t.Fatal(err)
	}
	return so
}

// INV-7.
func TestAdvised(t *testing.T) {
	onto := []string{"{name: llama}", "{name: llama-predictor}"}
	v := newView(t, namespace(autoscaler.Enabled), predictor(), inferenceService(t, false), pod("a", "llama-predictor", true))
	so := owned(t, onto...)
	s, err := v.Enter(t.Context(), decoded(t, so), true) // beside guide mode
	if err != nil || s.UID != "ias/uid-of-llama-predictor" || !s.Of("ias") || s.Of("ia") || !s.Advised {
		t.Fatalf("Enter = %+v, %v", s, err)
	}
	all, err := v.All(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "llama" || len(all[0].Fleet.Pods) != 1 {
		t.Errorf("All = %+v, %v, want one with its pod", all, err)
	}
	if keys := v.Of(demand.Service{Namespace: "demo", Name: "llama"}); len(keys) != 1 {
		t.Errorf("Of = %v, want what gateways hold for it", keys)
	}
	if _, err := v.Look(key("llama")); !unknown(err) {
		t.Errorf("Look = %v: KEDA hears of it", err)
	}
	v.remade(t, so, s)
}

// remade wants a service to be the same one when its ScaledObject is made, and when it goes.
func (c view) remade(t *testing.T, so client.Object, s Service) {
	t.Helper()
	if err := c.objects.Delete(t.Context(), inferenceService(t, false)); err != nil {
		t.Fatal(err)
	}
	if err := c.objects.Create(t.Context(), so); err != nil {
		t.Fatal(err)
	}
	c.reconcile(t, "llama")
	if now, err := c.Look(key("llama")); err != nil || now.UID != s.UID || now.Advised {
		t.Errorf("when its ScaledObject is made: %+v, %v, want the UID %s, and no advice", now, err, s.UID)
	}
	if all := c.stepped(); len(all) != 1 {
		t.Errorf("stepped are %v, want it once", all)
	}
	if err := c.objects.Delete(t.Context(), so); err != nil {
		t.Fatal(err)
	}
	c.reconcile(t, "llama")
	if now, ok := c.Stepped(key("llama")); !ok || now.UID != s.UID {
		t.Errorf("when that goes: %+v, %v", now, ok)
	}
	c.Leave(key("llama"))
	if all := c.stepped(); len(all) > 0 {
		t.Errorf("stepped are %v, want none", all)
	}
}

// INV-2 and INV-4 hold for advice: what is refused is not stepped, and one that cannot be read
// for a moment is.
func TestAdvisedRefused(t *testing.T) {
	v := newView(t, namespace(autoscaler.Enabled), workload("llama", 2))
	for _, name := range []string{"a", "b", "c", "a"} {
		_, err := v.Enter(t.Context(), decoded(t, object(t, "name: llama, namespace", "name: "+name+", namespace")), true)
		r := (*autoscaler.Refusal)(nil)
		if full := errors.As(err, &r) && r.Reason == "TooManyObjectives"; full != (name == "c") {
			t.Errorf("Enter(%s) = %v, want a refusal of the third of two only", name, err)
		}
	}
	reader := v.Client
	v.Client = unread{v.Client}
	if _, err := v.Enter(t.Context(), decoded(t, object(t, "name: llama, namespace", "name: a, namespace")), true); err == nil {
		t.Error("Enter() = nil, want the error")
	}
	v.Client = reader
	if all := v.stepped(); len(all) != 2 {
		t.Errorf("stepped are %v, want a and b", all)
	}
	if err := v.objects.Delete(t.Context(), workload("llama", 2)); err != nil {
		t.Fatal(err)
	}
	_, err := v.Enter(t.Context(), decoded(t, object(t, "name: llama, namespace", "name: a, namespace")), true)
	if _, stepped := v.Stepped(key("a")); err == nil || !strings.Contains(err.Error(), "there is no Deployment llama") || stepped {
		t.Errorf("without its target: %v, stepped %v", err, stepped)
	}
}
