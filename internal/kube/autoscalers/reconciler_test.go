package autoscalers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/native"
	"github.com/flyball-dev/flyball/internal/kube/promised"
)

// A scene is a cluster with a reconciler, and the scaler's view of it.
type scene struct {
	*Reconciler
	client.Client
	events *events.FakeRecorder
	last   *autoscaler.Decision
	done   *events.FakeRecorder // by Scales
}

func newScene(t *testing.T, objects ...client.Object) *scene {
	t.Helper()
	c := kubetest.Builder(t).WithObjects(objects...).WithStatusSubresource(&v1alpha1.InferenceAutoscaler{}).WithReturnManagedFields().Build()
	yes := func() bool { return true }
	s := &scene{Client: c, events: events.NewFakeRecorder(100), done: events.NewFakeRecorder(100)}
	decided := func(promised.Service) *autoscaler.Decision { return s.last }
	s.Reconciler = &Reconciler{
		Settings: Settings{Address: "flyball-scaler.flyball-system:9443"}, Client: c, Live: c, Events: s.events,
		KEDA: yes, KServe: yes,
		Services: promised.New(promised.Settings{Most: 9}, c, events.NewFakeRecorder(100), yes, yes),
		Scales:   native.New(c, s.done, decided, func() <-chan struct{} { return nil }, time.Second),
		Decided:  decided,
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

func deployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "llama", Namespace: "demo", UID: "uid-of-llama"},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "llama"}}},
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
	s := newScene(t, demo(), deployment(), stated("chat", 1))
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
	// INV-4.
	s.reconcile(t, "chat")
	if diff := cmp.Diff(a, s.of(t, "chat")); diff != "" {
		t.Errorf("written although nothing is new:\n%s", diff)
	}
}

// INV-2, and what is said of the second on one workload, once.
func TestSecond(t *testing.T) {
	s := newScene(t, demo(), deployment(), stated("first", 1), stated("second", 2))
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

// INV-3: beside an HPA nothing but a status and an Event comes of it, and the scaler steps it.
func TestAdvises(t *testing.T) {
	a := stated("chat", 1)
	a.Spec.Engine = v1alpha1.Advise
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "mine", Namespace: "demo"}}
	hpa.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "llama"}
	s := newScene(t, demo(), deployment(), hpa, a)
	again, said := s.reconcile(t, "chat")
	if again != soon || strings.Count(said, "\n") != 1 || !strings.Contains(said, "Normal ObjectivesAdvised ttft:p90:3s: Flyball decides and records") || reason(s.of(t, "chat")) != "Unknown Waiting" {
		t.Errorf("looks again after %v, said %q, Ready is %q", again, said, reason(s.of(t, "chat")))
	}
	s.advises(t)
	s.stepsOne(t, v1alpha1.Advise)
	if err := s.Delete(t.Context(), s.of(t, "chat")); err != nil {
		t.Fatal(err)
	}
	s.reconcile(t, "chat")
	if all, err := s.Services.All(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("when it is deleted the scaler steps %+v, %v", all, err)
	}
}

// advises wants a decision in the status, once, and no ScaledObject.
func (s *scene) advises(t *testing.T) {
	t.Helper()
	s.last = &autoscaler.Decision{Replicas: 3, Pods: 2, Read: 2}
	again, said := s.reconcile(t, "chat")
	a := s.of(t, "chat")
	if again != look || said != "" || reason(a) != "True Advising" || *a.Status.DesiredReplicas != 3 || *a.Status.ReadyReplicas != 2 {
		t.Errorf("looks again after %v, said %q, status %+v", again, said, a.Status)
	}
	if so := s.scaledObject(t, "chat"); so != nil || a.Status.ScaledObject != "" {
		t.Errorf("ScaledObject %+v, in the status %q, want none", so, a.Status.ScaledObject)
	}
	s.reconcile(t, "chat")
	if diff := cmp.Diff(a, s.of(t, "chat")); diff != "" {
		t.Errorf("written although nothing is new:\n%s", diff)
	}
}

// A namespace has no room for advice either.
func TestAdvisesRefused(t *testing.T) {
	a := stated("chat", 1)
	a.Spec.Engine = v1alpha1.Advise
	s := newScene(t, demo(), deployment(), a)
	s.Services.Most = 0
	_, said := s.reconcile(t, "chat")
	_, more := s.reconcile(t, "chat")
	if !strings.Contains(said, "Warning TooManyObjectives") || more != "" || reason(s.of(t, "chat")) != "False TooManyObjectives" {
		t.Errorf("said %q, then %q; Ready is %q", said, more, reason(s.of(t, "chat")))
	}
}

// INV-3: from keda to advise and back at every moment just one service is stepped, of one UID,
// and nobody else's ScaledObject is touched.
func TestSwitched(t *testing.T) {
	s := newScene(t, demo(), deployment(), stated("chat", 1))
	s.reconcile(t, "chat")
	for _, engine := range []v1alpha1.Engine{v1alpha1.Advise, v1alpha1.KEDA, v1alpha1.Advise} {
		a := s.of(t, "chat")
		a.Spec.Engine = engine
		a.Generation++
		if err := s.Update(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		said := s.switched(t, engine)
		want := map[v1alpha1.Engine]string{v1alpha1.Advise: "Normal ScaledObjectRemoved", v1alpha1.KEDA: "Normal ScaledObjectCreated"}[engine]
		if !strings.Contains(said, want) || (s.scaledObject(t, "chat") != nil) != (engine == v1alpha1.KEDA) {
			t.Errorf("%s: said %q, ScaledObject %v, want %s", engine, said, s.scaledObject(t, "chat"), want)
		}
		if reason(s.of(t, "chat")) == "" || s.of(t, "chat").Status.ObservedGeneration != a.Generation {
			t.Errorf("%s: status %+v", engine, s.of(t, "chat").Status)
		}
	}
}

// switched looks at one as the leader does, and at its ScaledObject in between.
func (s *scene) switched(t *testing.T, engine v1alpha1.Engine) string {
	t.Helper()
	said := ""
	for range 3 {
		if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: key("chat")}); err != nil {
			t.Fatal(err)
		}
		s.stepsOne(t, engine)
		_, more := s.reconcile(t, "chat")
		s.stepsOne(t, engine)
		said += more
	}
	return said
}

func (s *scene) stepsOne(t *testing.T, engine v1alpha1.Engine) {
	t.Helper()
	if all, err := s.Services.All(t.Context()); err != nil || len(all) != 1 || all[0].UID != "uid-of-chat/uid-of-llama" {
		t.Errorf("%s: the scaler steps %+v, %v, want one service of chat", engine, all, err)
	}
}

// What scales the workload of an InferenceAutoscaler has it looked at when it comes or goes.
func TestBesides(t *testing.T) {
	s := newScene(t, stated("chat", 0))
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: "demo"}}
	so := cluster.NewObject(kserve.ScaledObjectKind)
	so.SetNamespace("demo")
	for target, want := range map[string]int{"llama": 1, "other": 0} {
		hpa.Spec.ScaleTargetRef.Name = target
		so.Object["spec"] = map[string]any{"scaleTargetRef": map[string]any{"name": target}}
		for _, o := range []client.Object{hpa, so} {
			got := s.besides(t.Context(), o)
			if len(got) != want || want == 1 && got[0].NamespacedName != key("chat") {
				t.Errorf("besides(%T on %s) = %v, want %d", o, target, got, want)
			}
		}
	}
}

// A schedule begins and ends by itself, on time, and says so.
func TestSchedule(t *testing.T) {
	a := stated("chat", 1)
	a.Spec.Schedules = []v1alpha1.Schedule{{Name: "noon", Start: "0 12 * * *", End: "0 13 * * *", Min: new(int32(3))}}
	s := newScene(t, demo(), deployment(), a)
	now := time.Date(2026, time.November, 30, 11, 59, 50, 0, time.UTC)
	s.Now = func() time.Time { return now }
	s.reconcile(t, "chat")
	for _, step := range []struct {
		at    time.Duration
		least int32
		said  string
		again time.Duration // at most
	}{
		{0, 1, "", 10 * time.Second},
		{10 * time.Second, 3, "BoundsChanged the replicas are between 3 and 8 by the schedule noon", look},
		{20 * time.Second, 3, "", look},
		{time.Hour + 10*time.Second, 1, "BoundsChanged the replicas are between 1 and 8", look},
	} {
		now = time.Date(2026, time.November, 30, 11, 59, 50, 0, time.UTC).Add(step.at)
		again, said := s.reconcile(t, "chat")
		least, _ := s.scaledObject(t, "chat").Bounds()
		if is := s.of(t, "chat").Status.MinReplicas; least != step.least || is == nil || *is != step.least {
			t.Errorf("after %v: the minimum is %d and said to be %v, want %d", step.at, least, is, step.least)
		}
		if strings.Contains(said, "BoundsChanged") != (step.said != "") || !strings.Contains(said, step.said) || again > step.again {
			t.Errorf("after %v: said %q, again after %v, want %q, %v", step.at, said, again, step.said, step.again)
		}
	}
}

// An older KEDA whose API server then says no to the rest: that is what is said, and what was left
// out is not.
func TestOlderKEDARefuses(t *testing.T) {
	s := newScene(t, demo(), deployment(), stated("chat", 1))
	asked := 0
	s.Reconciler.Client = interceptor.NewClient(s.Client.(client.WithWatch), interceptor.Funcs{
		Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
			if asked++; asked == 1 {
				return apierrors.NewInternalError(errors.New(".spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance: field not declared in schema"))
			}
			return errors.New("the webhook says no")
		},
	})
	if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: key("chat")}); err == nil || asked != 2 {
		t.Errorf("Reconcile = %v after %d attempts, want the refusal after two", err, asked)
	}
	if got := reason(s.of(t, "chat")); got != "False ApplyFailed" {
		t.Errorf("Ready is %q, want ApplyFailed", got)
	}
}
