package autoscalers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/native"
)

// scaled is one on Deployment llama that Flyball scales itself.
func scaled() *v1alpha1.InferenceAutoscaler {
	a := stated("chat", 1)
	a.Spec.Engine = v1alpha1.Native
	return a
}

// hpaOn is one on Deployment llama, of a ScaledObject or its own.
func hpaOn(name, scaledObject string) *autoscalingv2.HorizontalPodAutoscaler {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}
	if scaledObject != "" {
		hpa.OwnerReferences = []metav1.OwnerReference{{Kind: kserve.ScaledObjectKind.Kind, Name: scaledObject, Controller: new(true)}}
	}
	return hpa
}

// carry has the number written that is decided, if that is ordered, and returns what there is.
func (s *scene) carry(t *testing.T, replicas int) int32 {
	t.Helper()
	d := &appsv1.Deployment{}
	if err := s.Get(t.Context(), key("llama"), d); err != nil {
		t.Fatal(err)
	}
	s.last = &autoscaler.Decision{Was: 1, Replicas: replicas, Pods: 2, Read: 2}
	if d.Spec.Replicas != nil {
		s.last.Was = int(*d.Spec.Replicas)
	}
	if _, err := s.Scales.Reconcile(t.Context(), ctrl.Request{NamespacedName: key("chat")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Get(t.Context(), key("llama"), d); err != nil {
		t.Fatal(err)
	}
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// switchTo changes the engine, and has it looked at.
func (s *scene) switchTo(t *testing.T, engine v1alpha1.Engine) string {
	t.Helper()
	a := s.of(t, "chat")
	a.Spec.Engine = engine
	a.Generation++
	if err := s.Update(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	_, said := s.reconcile(t, "chat")
	return said
}

// INV-5: without KEDA, from nothing to replicas that are written.
func TestNative(t *testing.T) {
	s := newScene(t, demo(), deployment(), scaled())
	s.KEDA = func() bool { return false }
	again, said := s.reconcile(t, "chat")
	if again != soon || strings.Count(said, "\n") != 1 || !strings.Contains(said, "Normal ObjectivesAccepted ttft:p90:3s is promised, and Flyball scales Deployment llama itself") || reason(s.of(t, "chat")) != "Unknown Waiting" {
		t.Errorf("looks again after %v, said %q, Ready is %q", again, said, reason(s.of(t, "chat")))
	}
	s.stepsOne(t, v1alpha1.Native)
	if got := s.carry(t, 3); got != 3 {
		t.Errorf("%d replicas, want 3", got)
	}
	again, said = s.reconcile(t, "chat")
	if a := s.of(t, "chat"); again != look || said != "" || reason(a) != "True Following" || *a.Status.DesiredReplicas != 3 || a.Status.ScaledObject != "" {
		t.Errorf("looks again after %v, said %q, status %+v", again, said, a.Status)
	}
	if so := s.scaledObject(t, "chat"); so != nil {
		t.Errorf("ScaledObject %+v, want none", so)
	}
}

func TestNativeDeleted(t *testing.T) {
	s := newScene(t, demo(), deployment(), scaled())
	s.reconcile(t, "chat")
	s.carry(t, 3)
	if err := s.Delete(t.Context(), s.of(t, "chat")); err != nil {
		t.Fatal(err)
	}
	s.reconcile(t, "chat")
	if got := s.carry(t, 5); got != 3 {
		t.Errorf("%d replicas, want the 3 that there were", got)
	}
}

// INV-3 and INV-5: whatever the engine was, nothing is written while KEDA's HPA is there, nor
// once the engine is another one, and the service goes on with what was learned.
func TestNativeSwitched(t *testing.T) {
	s := newScene(t, demo(), deployment(), stated("chat", 1))
	s.reconcile(t, "chat")
	if err := s.Create(t.Context(), hpaOn("keda-hpa-chat", "chat")); err != nil { // as KEDA does
		t.Fatal(err)
	}
	if said := s.switchTo(t, v1alpha1.Native); !strings.Contains(said, "Normal ScaledObjectRemoved spec.engine is native") || s.scaledObject(t, "chat") != nil {
		t.Errorf("said %q, ScaledObject %v", said, s.scaledObject(t, "chat"))
	}
	_, said := s.reconcile(t, "chat")
	if got := s.carry(t, 4); got != 1 || !strings.Contains(said, "Normal WaitingForRemoval HorizontalPodAutoscaler keda-hpa-chat") || reason(s.of(t, "chat")) != "False WaitingForRemoval" {
		t.Errorf("beside KEDA's HPA: %d replicas, said %q, Ready is %q", got, said, reason(s.of(t, "chat")))
	}
	s.stepsOne(t, v1alpha1.Native)
	if err := s.Delete(t.Context(), hpaOn("keda-hpa-chat", "chat")); err != nil {
		t.Fatal(err)
	}
	s.reconcile(t, "chat")
	if got := s.carry(t, 4); got != 4 {
		t.Errorf("when it is gone: %d replicas, want 4", got)
	}
	for _, step := range []struct {
		to      v1alpha1.Engine
		decided int
		want    int32
	}{{v1alpha1.KEDA, 5, 4}, {v1alpha1.Native, 5, 5}, {v1alpha1.Advise, 6, 5}} {
		said := s.switchTo(t, step.to)
		s.stepsOne(t, step.to)
		s.reconcile(t, "chat") // its ScaledObject is gone, and no HPA of it is there
		s.stepsOne(t, step.to)
		if got := s.carry(t, step.decided); got != step.want {
			t.Errorf("with engine %s: %d replicas, want %d; said %q", step.to, got, step.want, said)
		}
	}
}

// INV-5: what else comes to scale the workload has it, at once.
func TestNativeYields(t *testing.T) {
	s := newScene(t, demo(), deployment(), scaled())
	s.reconcile(t, "chat")
	if got := s.carry(t, 3); got != 3 {
		t.Fatalf("%d replicas, want 3", got)
	}
	if err := s.Create(t.Context(), hpaOn("mine", "")); err != nil {
		t.Fatal(err)
	}
	_, said := s.reconcile(t, "chat")
	if got := s.carry(t, 5); got != 3 || !strings.Contains(said, "kubectl delete horizontalpodautoscaler mine -n demo") || reason(s.of(t, "chat")) != "False AnotherAutoscaler" {
		t.Errorf("beside an HPA: %d replicas, said %q, Ready is %q", got, said, reason(s.of(t, "chat")))
	}
}

// INV-5: where the watches are late, the API server itself says that there is an HPA.
func TestNativeLooksOnceMore(t *testing.T) {
	s := newScene(t, demo(), deployment(), scaled())
	s.Live = kubetest.Client(t, demo(), deployment(), scaled(), hpaOn("mine", ""))
	s.reconcile(t, "chat")
	if got := s.carry(t, 3); got != 1 || reason(s.of(t, "chat")) != "False AnotherAutoscaler" {
		t.Errorf("%d replicas, Ready is %q, want nothing written", got, reason(s.of(t, "chat")))
	}
}

// refuses has writes of a scale refused by what an error is then.
func (s *scene) refuses(err *error) {
	c := interceptor.NewClient(s.Client.(client.WithWatch), interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, c client.Client, name string, o client.Object, opts ...client.SubResourceUpdateOption) error {
			if *err != nil {
				return *err
			}
			return c.SubResource(name).Update(ctx, o, opts...)
		},
	})
	s.Scales = native.New(c, s.done, s.Decided, func() <-chan struct{} { return nil }, time.Second)
}

// INV-2 and INV-5: without the right the ScaledObject stays, and what is missing is said; with
// it, it goes on by itself.
func TestNativeForbidden(t *testing.T) {
	s := newScene(t, demo(), deployment(), stated("chat", 1))
	refused := error(apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments/scale"}, "llama", errors.New("no right")))
	s.refuses(&refused)
	s.reconcile(t, "chat")
	said := s.switchTo(t, v1alpha1.Native)
	if !strings.Contains(said, "Warning ScaleForbidden") || s.scaledObject(t, "chat") == nil || reason(s.of(t, "chat")) != "False ScaleForbidden" {
		t.Errorf("said %q, ScaledObject %v, Ready is %q", said, s.scaledObject(t, "chat"), reason(s.of(t, "chat")))
	}
	refused = nil
	s.reconcile(t, "chat")
	s.reconcile(t, "chat")
	if s.scaledObject(t, "chat") != nil || !s.Scales.Has(s.of(t, "chat")) {
		t.Errorf("with the right: ScaledObject %v, ordered %v", s.scaledObject(t, "chat"), s.Scales.Has(s.of(t, "chat")))
	}
}

// What fails later is said once, and is in the status until it is done.
func TestNativeFails(t *testing.T) {
	s := newScene(t, demo(), deployment(), scaled())
	refused := error(nil)
	s.refuses(&refused)
	s.reconcile(t, "chat")
	refused = errors.New("the webhook says no")
	s.carry(t, 3)
	_, said := s.reconcile(t, "chat")
	_, more := s.reconcile(t, "chat")
	if !strings.Contains(said, "Warning ScaleFailed") || !strings.Contains(said, "the webhook says no") || more != "" || reason(s.of(t, "chat")) != "False ScaleFailed" {
		t.Errorf("said %q, then %q; Ready is %q", said, more, reason(s.of(t, "chat")))
	}
	refused = nil
	if got := s.carry(t, 3); got != 3 {
		t.Errorf("%d replicas, want 3", got)
	}
	s.reconcile(t, "chat")
	if reason(s.of(t, "chat")) != "True Following" || len(s.done.Events) != 1 {
		t.Errorf("Ready is %q, %d Events of a scale", reason(s.of(t, "chat")), len(s.done.Events))
	}
}
