package kube

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/policy"
)

// A sleeping is a service with a minimum of 0 on a clock of the test's. What is decided
// stands in its ScaledObject, and KEDA does what that says.
type sleeping struct {
	t     *testing.T
	now   time.Time
	held  int
	ready int32
	so    *kserve.ScaledObject
	d     *appsv1.Deployment
	pods  []corev1.Pod
	done  []string
	again time.Duration
}

func newSleeping(t *testing.T) *sleeping {
	d := &appsv1.Deployment{}
	d.Spec.Replicas = new(int32(0))
	return &sleeping{t: t, now: time.Unix(1_700_000_000, 0), so: ours(), d: d}
}

// step reconciles once.
func (s *sleeping) step() {
	s.d.Status.ReadyReplicas = s.ready
	o := observed{explain.Snapshot{
		InferenceService: *kubetest.Service(s.t, "minReplicas: 1", "minReplicas: 0"), ScaledObject: s.so, Deployment: s.d, Pods: s.pods,
		Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
	}, demand.Demand{Work: demand.Work{Held: s.held}, Idle: idleOf(s.held)}, s.now}
	v := o.verdict()
	s.again = again(o, v)
	if v.Done != nil {
		s.done = append(s.done, v.Done.Reason+": "+v.Done.Text)
	}
	labels, owners := s.so.Labels, s.so.OwnerReferences
	s.so = v.Apply
	s.so.Labels, s.so.OwnerReferences = labels, owners
	switch {
	case s.so.Annotations[kserve.PausedReplicas] == "0":
		s.d.Spec.Replicas = new(int32(0))
	case s.so.Annotations[kserve.ForceActivation] == "true" && *s.d.Spec.Replicas < *s.so.Spec.MinReplicaCount:
		s.d.Spec.Replicas = s.so.Spec.MinReplicaCount
	} // with no pod the query is empty, an error, which scales nothing in
}

// pass reconciles as often as again says.
func (s *sleeping) pass(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(10 * time.Second) {
		s.step()
	}
}

func (s *sleeping) replicas() int32 { return *s.d.Spec.Replicas }

func crashing() []corev1.Pod {
	p := corev1.Pod{}
	p.Name = "llama-1"
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s"},
	}}}
	return []corev1.Pod{p}
}

// fails has the service woken by 4 requests, and crash.
func (s *sleeping) fails() {
	s.held = 4
	s.pass(time.Minute)
	s.expect("woken", 4)
	s.pods, s.held = crashing(), 0 // gateways give up
	s.pass(policy.Patience().Crashing - 2*time.Minute)
	s.expect("before its time is over", 4)
	s.pass(2 * time.Minute)
	s.expect("given up", 0)
}

func (s *sleeping) expect(when string, want int32) {
	s.t.Helper()
	if got := s.replicas(); got != want {
		s.t.Fatalf("%s: replicas = %d, want %d; %q", when, got, want, s.done)
	}
}

// TestWakeThatFails: the GPUs of a crash loop are given back, also when nobody waits any
// more, and it is said why (INV-8).
func TestWakeThatFails(t *testing.T) {
	s := newSleeping(t)
	s.fails()
	if said := s.done[len(s.done)-1]; !strings.HasPrefix(said, "WakeFailed: no pod was ready 10m") || !strings.Contains(said, "pod llama-1: CrashLoopBackOff") {
		t.Errorf("said %q, want what failed and why", said)
	}
	if s.again < 4*time.Minute || s.again > policy.Patience().BackOff {
		t.Errorf("looked at again after %s, want up to %s", s.again, policy.Patience().BackOff)
	}
}

// TestNextWake comes later with each failure, and one that succeeds forgets it all.
func TestNextWake(t *testing.T) {
	s := newSleeping(t)
	s.fails()
	s.pods, s.held = nil, 3
	s.pass(3 * time.Minute)
	s.expect("within the back-off", 0)
	s.pass(3 * time.Minute)
	s.expect("after it", 3)
	if s.so.Annotations[kserve.PausedReplicas] != "" {
		t.Errorf("annotations %v, want no pause", s.so.Annotations)
	}
	s.pods = crashing()
	s.pass(policy.Patience().Crashing)
	s.expect("failed again", 0)
	if a := kserve.AttemptOf(s.so); a.Failures != 2 || a.Again.Sub(s.now) < policy.Patience().BackOff {
		t.Errorf("%+v, want a longer back-off", a)
	}
	s.pods = nil
	s.pass(2 * policy.Patience().BackOff)
	s.ready = 1
	s.step()
	s.expect("it serves", 3)
	if a := kserve.AttemptOf(s.so); a != (kserve.Attempt{}) {
		t.Errorf("%+v, want nothing left of it", a)
	}
}

// TestWakeThatIsLeftAlone: what serves, what takes long, and what its user has paused.
func TestWakeThatIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*sleeping)
		during time.Duration
	}{
		"a pod is ready beside those that crash": {func(s *sleeping) { s.pods, s.ready = crashing(), 1 }, 3 * policy.Patience().Ready},
		"a pod was ready once":                   {func(s *sleeping) { s.ready = 1; s.step(); s.ready = 0 }, policy.Patience().Ready - time.Minute},
		"it takes its time":                      {func(*sleeping) {}, policy.Patience().Ready - time.Minute},
		"its user paused it":                     {func(s *sleeping) { s.so.Annotations = map[string]string{kserve.Paused: "true"} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSleeping(t)
			s.held = 2
			s.step()
			tc.change(s)
			s.pass(tc.during)
			if s.replicas() != 2 {
				t.Errorf("replicas = %d, want 2; %q", s.replicas(), s.done)
			}
		})
	}
}

// TestWakeThatTakesForever is given up without a crash too.
func TestWakeThatTakesForever(t *testing.T) {
	s := newSleeping(t)
	s.held = 2
	s.pass(policy.Patience().Ready + time.Minute)
	if said := s.done[len(s.done)-1]; s.replicas() != 0 || !strings.Contains(said, "its pods are starting") {
		t.Errorf("replicas = %d, said %q, want 0", s.replicas(), said)
	}
}

// idleOf is for how long nothing has been held: long, unless something is.
func idleOf(held int) time.Duration {
	if held > 0 {
		return 0
	}
	return demand.TTL
}
