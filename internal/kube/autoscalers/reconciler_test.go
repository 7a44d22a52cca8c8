package autoscalers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/promised"
)

// A scene is a cluster with a reconciler, and the scaler's view of it.
type scene struct {
	*Reconciler
	client.Client
	events *events.FakeRecorder
	last   *autoscaler.Decision
}

func newScene(t *testing.T, objects ...client.Object) *scene {
	t.Helper()
	c := kubetest.Builder(t).WithObjects(objects...).WithStatusSubresource(&v1alpha1.InferenceAutoscaler{}).WithReturnManagedFields().Build()
	yes := func() bool { return true }
	s := &scene{Client: c, events: events.NewFakeRecorder(100)}
	s.Reconciler = &Reconciler{
		Settings: Settings{Address: "flyball-scaler.flyball-system:9443"}, Client: c, Live: c, Events: s.events,
		Served:   func(...schema.GroupVersionKind) bool { return true },
		Services: promised.New(promised.Settings{Most: 9}, c, events.NewFakeRecorder(100), yes, yes),
		Decided:  func(promised.Service) *autoscaler.Decision { return s.last },
		Now:      func() time.Time { return time.Unix(1000, 0) },
	}
	return s
}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "demo", Name: name}
}

// reconcile looks at one, and then at its ScaledObject as the scaler does; it returns when it
// wants to look again, and what was said.
func (s *scene) reconcile(t *testing.T, name string) (time.Duration, string) {
	t.Helper()
	r, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: key(name)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Services.Reconcile(t.Context(), ctrl.Request{NamespacedName: key(name)}); err != nil {
		t.Fatal(err)
	}
	said := ""
	for len(s.events.Events) > 0 {
		said += <-s.events.Events + "\n"
	}
	return r.RequeueAfter, said
}

// of is an InferenceAutoscaler as it is.
func (s *scene) of(t *testing.T, name string) *v1alpha1.InferenceAutoscaler {
	t.Helper()
	a := &v1alpha1.InferenceAutoscaler{}
	if err := s.Get(t.Context(), key(name), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *scene) scaledObject(t *testing.T, name string) *kserve.ScaledObject {
	t.Helper()
	so, err := one[kserve.ScaledObject](t.Context(), s.Client, kserve.ScaledObjectKind, key(name))
	if err != nil {
		t.Fatal(err)
	}
	return so
}

// stated is one on Deployment llama.
func stated(name string, created int64) *v1alpha1.InferenceAutoscaler {
	return &v1alpha1.InferenceAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", UID: types.UID("uid-of-" + name), Generation: 1, CreationTimestamp: metav1.Unix(created, 0)},
		Spec: v1alpha1.Spec{
			TargetRef: v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}, Replicas: v1alpha1.Replicas{Min: new(int32(1)), Max: 8},
			Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}}, Engine: v1alpha1.KEDA,
		},
	}
}

func demo() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo", Labels: map[string]string{autoscaler.OptIn: autoscaler.Enabled}}}
}

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", UID: types.UID("uid-of-" + name)},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}},
		Status:     appsv1.DeploymentStatus{Replicas: 2, ReadyReplicas: 2},
	}
}

// reason is that of Ready.
func reason(a *v1alpha1.InferenceAutoscaler) string {
	if c := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.Ready); c != nil {
		return string(c.Status) + " " + c.Reason
	}
	return ""
}

// From nothing to a promise that is kept. INV-1, and explain/autoscaler's INV-3: the scaler accepts what
// was made without a warning.
func TestKept(t *testing.T) {
	s := newScene(t, demo(), deployment("llama"), stated("chat", 1))
	again, said := s.reconcile(t, "chat")
	so := s.scaledObject(t, "chat")
	if so == nil || !metav1.IsControlledBy(so, s.of(t, "chat")) || so.Spec.ScaleTargetRef.Name != "llama" {
		t.Fatalf("ScaledObject = %+v, want one of chat on llama", so)
	}
	if again != soon || !strings.Contains(said, "Normal ScaledObjectCreated") || reason(s.of(t, "chat")) != "Unknown Waiting" {
		t.Errorf("looks again after %v, said %q, Ready is %q", again, said, reason(s.of(t, "chat")))
	}
	if service, err := s.Services.Look(key("chat")); err != nil || service.Tolerance != 0 {
		t.Errorf("the scaler's Look = %+v, %v, want it accepted with a tolerance of 0", service, err)
	}
	s.follows(t)
}

// follows wants a decision, and KEDA's word, in the status, which is then not written again.
func (s *scene) follows(t *testing.T) {
	t.Helper()
	s.last = &autoscaler.Decision{Replicas: 3, Pods: 2, Read: 2}
	raw := cluster.NewObject(kserve.ScaledObjectKind)
	if err := s.Get(t.Context(), key("chat"), raw); err != nil {
		t.Fatal(err)
	}
	raw.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
	if err := s.Update(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	again, said := s.reconcile(t, "chat")
	a := s.of(t, "chat")
	if again != look || said != "" || reason(a) != "True Following" || *a.Status.DesiredReplicas != 3 || *a.Status.ReadyReplicas != 2 {
		t.Errorf("looks again after %v, said %q, status %+v", again, said, a.Status)
	}
	// INV-3.
	s.reconcile(t, "chat")
	if diff := cmp.Diff(a, s.of(t, "chat")); diff != "" {
		t.Errorf("written although nothing is new:\n%s", diff)
	}
}

// INV-2, and what is said of the second on one workload, once.
func TestSecond(t *testing.T) {
	s := newScene(t, demo(), deployment("llama"), stated("first", 1), stated("second", 2))
	s.reconcile(t, "first")
	_, said := s.reconcile(t, "second")
	_, more := s.reconcile(t, "second")
	const want = "kubectl delete inferenceautoscaler second -n demo"
	if !strings.Contains(said, "Warning TargetTaken") || !strings.Contains(said, want) || more != "" || s.scaledObject(t, "second") != nil {
		t.Errorf("the second: said %q, then %q; want a refusal with %q, once, and no ScaledObject", said, more, want)
	}
	if c := meta.FindStatusCondition(s.of(t, "second").Status.Conditions, v1alpha1.Conflict); c == nil || c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, want) {
		t.Errorf("Conflict = %+v", c)
	}
	n := demo()
	n.Labels = nil
	if err := s.Update(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	s.reconcile(t, "first")
	if a := s.of(t, "first"); reason(a) != "False NamespaceNotEnabled" || a.Status.ScaledObject != "first" || s.scaledObject(t, "first") == nil {
		t.Errorf("one whose namespace has opted out: %+v, want its ScaledObject kept", a.Status)
	}
}

// A StatefulSet, and what is not there yet.
func TestTargets(t *testing.T) {
	a := stated("chat", 1)
	a.Spec.TargetRef.Kind = "StatefulSet"
	s := newScene(t, demo(), a)
	again, said := s.reconcile(t, "chat")
	if again != look || !strings.Contains(said, "TargetMissing") || reason(s.of(t, "chat")) != "False TargetMissing" || s.scaledObject(t, "chat") != nil {
		t.Errorf("without a StatefulSet: looks again after %v, said %q", again, said)
	}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "llama", Namespace: "demo", UID: "set"}}
	set.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "llama"}}
	if err := s.Create(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	s.reconcile(t, "chat")
	if so := s.scaledObject(t, "chat"); so == nil || so.Spec.ScaleTargetRef.Kind != "StatefulSet" {
		t.Errorf("ScaledObject = %+v, want one on the StatefulSet", so)
	}
	if _, err := s.Services.Look(key("chat")); err != nil {
		t.Errorf("the scaler's Look = %v, want it accepted", err)
	}
}
