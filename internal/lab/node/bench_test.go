//go:build linux

package node

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// fakeProcess ends when the test says so, or on a signal that it heeds.
type fakeProcess struct {
	spec  proc.Spec
	at    time.Duration // since the test began
	heeds []syscall.Signal

	once sync.Once
	done chan struct{}
	code int
}

func (p *fakeProcess) Pid() int              { return 1 }
func (p *fakeProcess) RSS() int64            { return 0 }
func (p *fakeProcess) Done() <-chan struct{} { return p.done }

func (p *fakeProcess) exit(code int) {
	p.once.Do(func() { p.code = code; close(p.done) })
}

func (p *fakeProcess) ExitCode() int {
	select {
	case <-p.done:
		return p.code
	default:
		return -1
	}
}

func (p *fakeProcess) env(name string) string {
	for _, e := range p.spec.Env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// bench runs one worker in a synctest bubble.
type bench struct {
	t       *testing.T
	a       *Agent
	w       *worker
	client  *fake.Clientset
	secrets cache.Indexer
	zero    time.Time
	cancel  context.CancelFunc
	begin   func() // starts the worker, once
	ended   chan struct{}

	mu      sync.Mutex
	started []*fakeProcess
	log     []string // signals, in order
	heeds   []syscall.Signal
	probes  func(check) error
	begun   func(*fakeProcess) // called with each process that starts
}

func newBench(t *testing.T, pod *corev1.Pod) *bench {
	t.Helper()
	b := &bench{t: t, client: fake.NewClientset(pod), zero: time.Now(), heeds: []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}, ended: make(chan struct{})}
	a, err := New(Config{
		Client: b.client, Dir: t.TempDir(), Net: "127.42", Nodes: []Spec{{"gpu-1", 8}}, Log: slog.New(slog.DiscardHandler),
		APIServer: "https://127.42.0.1:6443", Known: []string{"vllm", "tool"},
		ColdStart: ColdStart{Pull: 20 * time.Second, Weights: 30 * time.Second, Warmup: 5 * time.Second},
		Programs: func(image string) (Program, bool) {
			switch {
			case strings.Contains(image, "vllm"):
				return Program{Argv: []string{"/sim", "--ip=$(FLYBALL_POD_IP)"}, KeepCommand: true, ColdStart: true}, true
			case strings.Contains(image, "tool"):
				return Program{Argv: []string{"/tool"}}, true
			}
			return Program{}, false
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.a = a
	a.events = &record.FakeRecorder{}
	a.start = b.start
	a.check = func(_ context.Context, c check) error {
		if b.probes == nil {
			return nil
		}
		return b.probes(c)
	}
	b.secrets = cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	a.secrets = corev1listers.NewSecretLister(b.secrets)
	a.configMaps = corev1listers.NewConfigMapLister(cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}))
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	b.w = a.newWorker(pod)
	b.begin = sync.OnceFunc(func() {
		a.wg.Go(func() {
			b.w.run(ctx)
			close(b.ended)
		})
	})
	t.Cleanup(func() {
		cancel()
		a.wg.Wait()
	})
	return b
}

func (b *bench) start(s proc.Spec) (process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &fakeProcess{spec: s, at: time.Since(b.zero), heeds: b.heeds, done: make(chan struct{})}
	b.started = append(b.started, p)
	if b.begun != nil {
		b.begun(p)
	}
	return &signalled{p, b}, nil
}

// signalled notes each signal with its time.
type signalled struct {
	*fakeProcess
	b *bench
}

func (s *signalled) Signal(sig syscall.Signal) {
	s.b.mu.Lock()
	s.b.log = append(s.b.log, time.Since(s.b.zero).String()+" "+sig.String())
	s.b.mu.Unlock()
	if slices.Contains(s.heeds, sig) {
		s.exit(128 + int(sig))
	}
}

// until starts the worker the first time, lets the clock run to t and every goroutine settle.
func (b *bench) until(at time.Duration) {
	b.begin()
	<-time.After(at - time.Since(b.zero))
	synctest.Wait()
}

func (b *bench) pod() *corev1.Pod {
	b.t.Helper()
	p, err := b.client.CoreV1().Pods("demo").Get(b.t.Context(), "p", metav1.GetOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) ready() bool {
	for _, c := range b.pod().Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// state is the first container's, in words.
func (b *bench) state() string {
	s := b.pod().Status.ContainerStatuses[0].State
	switch {
	case s.Waiting != nil:
		return s.Waiting.Reason
	case s.Running != nil:
		return "Running"
	}
	return s.Terminated.Reason
}

// runs are the processes started so far.
func (b *bench) runs() []*fakeProcess {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.started)
}

// signals are those sent so far, each with its time.
func (b *bench) signals() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.log)
}

func (b *bench) starts() []time.Duration {
	var list []time.Duration
	for _, p := range b.runs() {
		list = append(list, p.at)
	}
	return list
}

// remove deletes the pod as the API does: it marks it, and the watch brings the marked version.
func (b *bench) remove(grace int64) {
	p := b.pod()
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: time.Now()}, &grace
	b.w.post(func() { b.w.pod = p })
	synctest.Wait()
}

func (b *bench) exists() bool {
	_, err := b.client.CoreV1().Pods("demo").Get(b.t.Context(), "p", metav1.GetOptions{})
	return !apierrors.IsNotFound(err)
}

func podOf(containers ...corev1.Container) *corev1.Pod {
	grace := int64(30)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "p", UID: "uid-1"},
		Spec:       corev1.PodSpec{NodeName: "gpu-1", Containers: containers, RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: &grace},
	}
}

func tool() corev1.Container { return corev1.Container{Name: "c", Image: "tool:1"} }

func httpProbe(initial, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:        corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(8080)}},
		InitialDelaySeconds: initial, PeriodSeconds: period, FailureThreshold: failures, SuccessThreshold: 1, TimeoutSeconds: 1,
	}
}
