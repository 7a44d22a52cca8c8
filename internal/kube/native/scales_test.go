package native

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

const tick = 5 * time.Second

// A scene is Scales with one order, of InferenceAutoscaler chat on a workload llama between 1
// and 8.
type scene struct {
	*Scales
	client.WithWatch
	events  *events.FakeRecorder
	last    atomic.Pointer[autoscaler.Decision]
	changes chan struct{}
	refused error // of the next write
	writes  int
}

func chat() *v1alpha1.InferenceAutoscaler {
	return &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "chat", UID: "ias", Generation: 1}}
}

func service(kind string) promised.Service {
	return promised.Service{
		NamespacedName: types.NamespacedName{Namespace: "demo", Name: "chat"}, UID: "ias/target", Kind: kind, Target: "llama",
		Policy: decide.Policy{Bounds: law.Bounds{Min: 1, Max: 8}},
	}
}

func key() types.NamespacedName { return types.NamespacedName{Namespace: "demo", Name: "chat"} }

// newScene has a workload of a kind with replicas.
func newScene(t *testing.T, kind string, replicas int32) *scene {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: "demo", Name: "llama", UID: "target"}
	var workload client.Object = &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
	if kind == objective.StatefulSet {
		workload = &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &replicas}}
	}
	s := &scene{events: events.NewFakeRecorder(9), changes: make(chan struct{})}
	s.WithWatch = interceptor.NewClient(kubetest.Client(t, workload), interceptor.Funcs{SubResourceUpdate: s.update})
	s.Scales = New(s, s.events, func(promised.Service) *autoscaler.Decision { return s.last.Load() }, func() <-chan struct{} { return s.changes }, tick)
	s.Order(chat(), service(kind))
	return s
}

// update refuses, and wants the version that was read.
func (s *scene) update(ctx context.Context, c client.Client, name string, o client.Object, opts ...client.SubResourceUpdateOption) error {
	if s.refused != nil {
		return s.refused
	}
	options := client.SubResourceUpdateOptions{}
	options.ApplyOptions(opts)
	read := &autoscalingv1.Scale{}
	if err := c.SubResource(name).Get(ctx, o.DeepCopyObject().(client.Object), read); err != nil {
		return err
	}
	if sent, ok := options.SubResourceBody.(*autoscalingv1.Scale); !ok || sent.ResourceVersion == "" || sent.ResourceVersion != read.ResourceVersion {
		return errors.New("not the scale that was read")
	}
	if len(options.DryRun) > 0 {
		return nil
	}
	s.writes++
	return c.SubResource(name).Update(ctx, o, opts...)
}

// reconcile is once, and returns what was said.
func (s *scene) reconcile(t *testing.T) string {
	t.Helper()
	if r, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: key()}); err != nil || r != (ctrl.Result{}) {
		t.Fatalf("Reconcile = %v, %v, want it left to the next tick", r, err)
	}
	said := ""
	for len(s.events.Events) > 0 {
		said += <-s.events.Events + "\n"
	}
	return said
}

func (s *scene) replicas(t *testing.T, kind string) int {
	t.Helper()
	scale := &autoscalingv1.Scale{}
	if err := s.SubResource("scale").Get(t.Context(), empty("demo", objective.Workload{Kind: kind, Name: "llama"}), scale); err != nil {
		t.Fatal(err)
	}
	return int(scale.Spec.Replicas)
}

// INV-1, INV-2, INV-3 and INV-5.
func TestWrites(t *testing.T) {
	misses := []law.Reason{{Rule: law.RuleMisses, From: 2, To: 4, Terms: []law.Term{law.Replicas(law.TermWanted, 4)}}}
	for name, c := range map[string]struct {
		kind   string
		before int32
		last   *autoscaler.Decision
		order  promised.Service
		want   int
		said   string // "": nothing was written
	}{
		"a raise":           {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 4, Reasons: misses}, service(objective.Deployment), 4, "Normal ScaledUp Deployment llama goes from 2 to 4 replicas. 4 is the fewest"},
		"a cut":             {objective.Deployment, 4, &autoscaler.Decision{Was: 4, Replicas: 3}, service(objective.Deployment), 3, "Normal ScaledDown Deployment llama goes from 4 to 3 replicas."},
		"of a StatefulSet":  {objective.StatefulSet, 2, &autoscaler.Decision{Was: 2, Replicas: 4}, service(objective.StatefulSet), 4, "Normal ScaledUp StatefulSet llama"},
		"a wake":            {objective.Deployment, 0, &autoscaler.Decision{Was: 0, Replicas: 1}, service(objective.Deployment), 1, "Normal ScaledUp"},
		"nothing yet":       {objective.Deployment, 2, nil, service(objective.Deployment), 2, ""},
		"as it is":          {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 2}, service(objective.Deployment), 2, ""},
		"there already":     {objective.Deployment, 4, &autoscaler.Decision{Was: 2, Replicas: 4}, service(objective.Deployment), 4, ""},
		"too old":           {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 4, Stale: true}, service(objective.Deployment), 2, ""},
		"above the maximum": {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 9}, service(objective.Deployment), 2, ""},
		"below the minimum": {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 0}, service(objective.Deployment), 2, ""},
		"kept, then raised": {objective.Deployment, 5, &autoscaler.Decision{Was: 3, Replicas: 3}, service(objective.Deployment), 5, ""}, // by hand
		"raised, then more": {objective.Deployment, 6, &autoscaler.Decision{Was: 3, Replicas: 4}, service(objective.Deployment), 6, ""},
		"cut, then fewer":   {objective.Deployment, 2, &autoscaler.Decision{Was: 4, Replicas: 3}, service(objective.Deployment), 2, ""},
		"another of its name": {objective.Deployment, 2, &autoscaler.Decision{Was: 2, Replicas: 4}, func() promised.Service {
			s := service(objective.Deployment)
			s.UID = "ias/before"
			return s
		}(), 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.kind, c.before)
			s.last.Store(c.last)
			s.Order(chat(), c.order)
			said := s.reconcile(t)
			if got := s.replicas(t, c.kind); got != c.want || !strings.HasPrefix(said, c.said) || strings.Count(said, "\n") != s.writes || (s.writes == 1) != (c.said != "") {
				t.Errorf("%d replicas after %d writes, said %q; want %d, %q", got, s.writes, said, c.want, c.said)
			}
			s.Cancel(key())
			s.last.Store(&autoscaler.Decision{Was: c.want, Replicas: 7})
			if said := s.reconcile(t); said != "" || s.replicas(t, c.kind) != c.want || len(s.due()) > 0 {
				t.Errorf("without an order: %d replicas, said %q", s.replicas(t, c.kind), said)
			}
		})
	}
}

// INV-4: what went wrong is told, and done at the next tick.
func TestTrouble(t *testing.T) {
	of := schema.GroupResource{Group: "apps", Resource: "deployments"}
	for reason, refused := range map[string]error{
		"ScaleForbidden": apierrors.NewForbidden(of, "llama", errors.New("no right")),
		"ScaleFailed":    apierrors.NewConflict(of, "llama", errors.New("it has been modified")),
	} {
		s := newScene(t, objective.Deployment, 2)
		s.last.Store(&autoscaler.Decision{Was: 2, Replicas: 4})
		s.refused = refused
		said := s.reconcile(t)
		now := s.Trouble(key())
		if now == nil || now.Reason != reason || !now.Warning || !strings.Contains(now.Text, refused.Error()) || said != "" || len(s.due()) != 1 {
			t.Fatalf("Trouble = %+v, said %q, due %v, want %s", now, said, s.due(), reason)
		}
		s.Order(chat(), service(objective.Deployment)) // looked at again meanwhile
		if s.Trouble(key()) != now {
			t.Errorf("ordered again: Trouble = %v, want it kept", s.Trouble(key()))
		}
		s.refused = nil
		if s.reconcile(t); s.replicas(t, objective.Deployment) != 4 || s.Trouble(key()) != nil {
			t.Errorf("at the next tick: %d replicas, %v", s.replicas(t, objective.Deployment), s.Trouble(key()))
		}
	}
}

// Trouble that nothing is left of is forgotten, also when the number is no longer asked for.
func TestTroubleIsOver(t *testing.T) {
	s := newScene(t, objective.Deployment, 2)
	s.last.Store(&autoscaler.Decision{Was: 2, Replicas: 4})
	s.refused = errors.New("the webhook says no")
	s.reconcile(t)
	s.last.Store(&autoscaler.Decision{Was: 2, Replicas: 2})
	if len(s.due()) != 1 {
		t.Fatalf("due are %v, want the one with trouble", s.due())
	}
	if s.reconcile(t); s.Trouble(key()) != nil || s.writes != 0 {
		t.Errorf("Trouble = %v after %d writes, want none", s.Trouble(key()), s.writes)
	}
}

func TestTry(t *testing.T) {
	s, w := newScene(t, objective.Deployment, 2), objective.Workload{Kind: objective.Deployment, Name: "llama"}
	if no := s.Try(t.Context(), "demo", w); no != nil || s.writes != 0 {
		t.Errorf("Try = %v after %d writes, want that it could be written, and that it was not", no, s.writes)
	}
	if no := s.Try(t.Context(), "demo", objective.Workload{Kind: objective.StatefulSet, Name: "none"}); no != nil {
		t.Errorf("Try of one that is not there = %v, want nothing: that is told elsewhere", no)
	}
	s.refused = apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "llama", errors.New("no right"))
	const want = "the engine native needs the right to get and update deployments/scale, which flyball-scaler lacks"
	if no := s.Try(t.Context(), "demo", w); no == nil || no.Reason != "ScaleForbidden" || !strings.Contains(no.Text, want) || !strings.Contains(no.Text, "config/native") {
		t.Errorf("Try = %+v, want %q", no, want)
	}
}

func TestHas(t *testing.T) {
	s := newScene(t, objective.Deployment, 2)
	edited, another := chat(), chat()
	edited.Generation, another.UID = 2, "another"
	if !s.Has(chat()) || s.Has(edited) || s.Has(another) {
		t.Errorf("Has = %v, edited %v, another of that name %v; want the first alone", s.Has(chat()), s.Has(edited), s.Has(another))
	}
}

// A queue passes on what is added.
type queue struct {
	workqueue.TypedRateLimitingInterface[ctrl.Request]
	added chan ctrl.Request
}

func (q queue) Add(r ctrl.Request) { q.added <- r }

// What is decided is written at once, and what failed at the next tick.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, objective.Deployment, 2)
		ctx, cancel := context.WithCancel(t.Context())
		q := queue{added: make(chan ctrl.Request, 9)}
		if err := s.follow(ctx, q); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		wait := func(what string, after time.Duration) {
			t.Helper()
			if r := <-q.added; r.NamespacedName != key() || time.Since(began) != after {
				t.Errorf("%s: %v after %v, want chat after %v", what, r, time.Since(began), after)
			}
		}
		synctest.Wait()
		if len(q.added) > 0 {
			t.Errorf("%d added before anything is decided", len(q.added))
		}
		was := s.changes
		s.last.Store(&autoscaler.Decision{Was: 2, Replicas: 4})
		s.changes = make(chan struct{})
		close(was)
		wait("decided", 0)
		wait("not done yet", tick)
		s.last.Store(&autoscaler.Decision{Was: 4, Replicas: 4})
		synctest.Wait()
		<-time.After(3 * tick)
		if len(q.added) > 0 {
			t.Errorf("%d added although nothing is left to do", len(q.added))
		}
		s.last.Store(&autoscaler.Decision{Was: 4, Replicas: 5})
		s.Order(chat(), service(objective.Deployment))
		wait("ordered", 4*tick)
		cancel()
		synctest.Wait()
	})
}
