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
}

func newSleeping(t *testing.T) *sleeping {
	d := &appsv1.Deployment{}
	d.Spec.Replicas = new(int32(0))
	return &sleeping{t: t, now: time.Unix(1_700_000_000, 0), so: ours(), d: d}
}

// step reconciles once.
func (s *sleeping) step() explain.Verdict {
	s.d.Status.ReadyReplicas = s.ready
	o := observed{explain.Snapshot{
		InferenceService: *kubetest.Service(s.t, "minReplicas: 1", "minReplicas: 0"), ScaledObject: s.so, Deployment: s.d, Pods: s.pods,
		Auths: map[string][]string{"prom-basic-auth": {"prom-basic-auth-secret"}},
	}, demand.Demand{Work: demand.Work{Held: s.held}, Idle: idleOf(s.held)}, s.now}
	v := o.verdict()
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
	return v
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

// TestWakeThatFails: the GPUs of a crash loop are given back, also when nobody waits any
// more; the next wake comes later each time, and one that succeeds forgets it all (INV-8).
func TestWakeThatFails(t *testing.T) {
	s := newSleeping(t)
	s.held = 4
	s.pass(time.Minute)
	if s.replicas() != 4 {
		t.Fatalf("replicas = %d, want 4", s.replicas())
	}
	s.pods, s.held = crashing(), 0 // gateways give up
	s.pass(crashTime - 2*time.Minute)
	if s.replicas() != 4 {
		t.Fatalf("replicas = %d, want 4 for %s", s.replicas(), crashTime)
	}
	s.pass(2 * time.Minute)
	if s.replicas() != 0 {
		t.Fatalf("replicas = %d after %s, want 0", s.replicas(), crashTime)
	}
	if said := s.done[len(s.done)-1]; !strings.HasPrefix(said, "WakeFailed: no pod was ready 10m") || !strings.Contains(said, "pod llama-1: CrashLoopBackOff") {
		t.Errorf("said %q, want what failed and why", said)
	}
	s.pods, s.held = nil, 3
	if again := nextLook(kserve.AttemptOf(s.so), s.now); again < 4*time.Minute || again > backOffFirst {
		t.Errorf("looked at again after %s, want up to %s", again, backOffFirst)
	}
	s.pass(3 * time.Minute)
	if s.replicas() != 0 {
		t.Errorf("replicas = %d within the back-off, want 0", s.replicas())
	}
	s.pass(3 * time.Minute)
	if s.replicas() != 3 || s.so.Annotations[kserve.PausedReplicas] != "" {
		t.Errorf("replicas = %d, annotations %v, want another wake", s.replicas(), s.so.Annotations)
	}
	s.pods = crashing()
	s.pass(crashTime)
	if a := kserve.AttemptOf(s.so); s.replicas() != 0 || a.Failures != 2 || a.Again.Sub(s.now) < backOffFirst {
		t.Errorf("replicas = %d, %+v, want a longer back-off", s.replicas(), a)
	}
	s.pods = nil
	s.pass(2 * backOffFirst)
	s.ready = 1
	s.step()
	if a := kserve.AttemptOf(s.so); a != (kserve.Attempt{}) || s.replicas() != 3 {
		t.Errorf("replicas = %d, %+v, want nothing left of it", s.replicas(), a)
	}
}

// TestWakeThatIsLeftAlone: what serves, what takes long, and what its user has paused.
func TestWakeThatIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*sleeping)
		during time.Duration
	}{
		"a pod is ready beside those that crash": {func(s *sleeping) { s.pods, s.ready = crashing(), 1 }, 3 * wakeTime},
		"a pod was ready once":                   {func(s *sleeping) { s.ready = 1; s.step(); s.ready = 0 }, wakeTime - time.Minute},
		"it takes its time":                      {func(*sleeping) {}, wakeTime - time.Minute},
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
	s.pass(wakeTime + time.Minute)
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
