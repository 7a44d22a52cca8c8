package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/follow"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/memory"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/scaler"
	"github.com/flyball-dev/flyball/internal/scrape"
)

var stated = map[string]string{"scalerAddress": "flyball-scaler.flyball-system:9443", "objectives": "ttft:p90:3s"}

// oneService is the parts with one service, llama, that is entitled to an answer, unless
// its namespace is not.
func oneService(t *testing.T, optIn string) parts {
	t.Helper()
	return serviceOn(t, optIn, "llama")
}

// serviceOn is that with a Deployment of that name; llama-predictor is InferenceService llama's.
func serviceOn(t *testing.T, optIn, target string) parts {
	t.Helper()
	so := kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama", UID: "so"}}
	so.Spec.ScaleTargetRef.Name = target
	so.Spec.MinReplicaCount = new(int32(1))
	so.Spec.Triggers = []kserve.Trigger{{Type: "external-push", Metadata: stated}}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: target, UID: "target"}}
	if target == kserve.PredictorName("llama") {
		d.Labels = map[string]string{kserve.ServiceLabel: "llama"}
	}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "llama"}}
	d.Status.Replicas = 2
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo", Labels: map[string]string{autoscaler.OptIn: optIn}}}
	no := func() bool { return false }
	p := parts{
		services: promised.New(promised.Settings{Most: 1}, kubetest.Client(t, n, d, kubetest.Untyped(t, kserve.ScaledObjectKind, so)), events.NewFakeRecorder(9), no, no),
		book:     pilot.NewBook(), recalled: &recollection{}, log: slog.New(slog.DiscardHandler),
	}
	reconcile(t, p)
	return p
}

func reconcile(t *testing.T, p parts) {
	t.Helper()
	if _, err := p.services.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "demo", Name: "llama"}}); err != nil {
		t.Fatal(err)
	}
}

// One that only advises is stepped at each tick as others are, and KEDA is told of none.
func TestAdvised(t *testing.T) {
	p := oneService(t, autoscaler.Enabled)
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "advised", UID: "ias"}}
	so.Spec.ScaleTargetRef.Name = "llama"
	so.Spec.MinReplicaCount = new(int32(1))
	so.Spec.Triggers = []kserve.Trigger{{Type: "external-push", Metadata: stated}}
	p.services.Most = 2
	service, err := p.services.Enter(t.Context(), so, true)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.All(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "advised" || all[0].UID != "ias/target" || !cmp.Equal(all[0].Policy, all[1].Policy) {
		t.Errorf("All = %+v, %v, want what advises and what scales, of one policy", all, err)
	}
	key := pilot.Service{Namespace: "demo", Name: "advised"}
	p.book.Copy(map[pilot.Service]pilot.Answer{key: {UID: "ias/target", Replicas: 5, Was: 2, At: time.Now()}})
	if diff := cmp.Diff(&autoscaler.Decision{Replicas: 5, Was: 2}, p.decided(service)); diff != "" {
		t.Errorf("decided: -want +got\n%s", diff)
	}
	_, err = answers{p}.Answer(t.Context(), scaler.Object{Namespace: "demo", Name: "advised", Trigger: stated})
	if r := (*autoscaler.Refusal)(nil); !errors.As(err, &r) || r.Cause != autoscaler.Unknown {
		t.Errorf("Answer = %v, want that there is no such ScaledObject", err)
	}
}

// INV-5: KEDA is told the last decision of just that object, with its age, or why there is
// none.
func TestAnswers(t *testing.T) {
	at := time.Now()
	key := pilot.Service{Namespace: "demo", Name: "llama"}
	object := scaler.Object{Namespace: "demo", Name: "llama", Trigger: stated}
	for what, c := range map[string]struct {
		optIn string
		book  map[pilot.Service]pilot.Answer
		ask   scaler.Object
		want  scaler.Answer
		cause autoscaler.Cause
	}{
		"decided":            {autoscaler.Enabled, map[pilot.Service]pilot.Answer{key: {UID: "so/target", Replicas: 5, At: at}}, object, scaler.Answer{Replicas: 5, At: at, Current: 2, Tolerance: .1}, 0},
		"not yet":            {autoscaler.Enabled, nil, object, scaler.Answer{Current: 2}, 0},
		"of one before it":   {autoscaler.Enabled, map[pilot.Service]pilot.Answer{key: {UID: "so/another", Replicas: 5, At: at}}, object, scaler.Answer{Current: 2}, 0},
		"not opted in":       {"", nil, object, scaler.Answer{}, autoscaler.Forbidden},
		"no such object":     {autoscaler.Enabled, nil, scaler.Object{Namespace: "demo", Name: "none", Trigger: stated}, scaler.Answer{}, autoscaler.Unknown},
		"a mistake in there": {autoscaler.Enabled, nil, scaler.Object{Namespace: "demo", Name: "llama", Trigger: map[string]string{"objective": "ttft:p90:3s"}}, scaler.Answer{}, autoscaler.Wrong},
	} {
		p := oneService(t, c.optIn)
		p.book.Copy(c.book)
		got, err := answers{p}.Answer(t.Context(), c.ask)
		r := (*autoscaler.Refusal)(nil)
		if !cmp.Equal(got, c.want) || errors.As(err, &r) != (c.cause != 0) || r != nil && (r.Cause != c.cause || r.Text == "") {
			t.Errorf("%s: Answer = %+v, %v, want %+v, cause %d", what, got, err, c.want, c.cause)
		}
	}
}

// The streams of an object hear of another decision, and of another verdict on it where the
// decision was there before: a replica that follows may learn the number first.
func TestFollowAnswer(t *testing.T) {
	p := oneService(t, autoscaler.Enabled)
	p.tellChanges()
	changed, stop := answers{p}.Follow(scaler.Object{Namespace: "demo", Name: "llama", Trigger: stated})
	defer stop()
	for what, do := range map[string]func(){
		"decided": func() { p.learn([]follow.Line{{Namespace: "demo", Name: "llama", UID: "so/target", Replicas: 5}}) },
		"judged":  func() { reconcile(t, p) },
	} {
		do()
		select {
		case <-changed:
		default:
			t.Errorf("%s: nobody hears of it", what)
		}
	}
}

// What one replica tells, another one has: numbers and ages.
func TestLines(t *testing.T) {
	one, other := oneService(t, autoscaler.Enabled), oneService(t, autoscaler.Enabled)
	one.book.Copy(map[pilot.Service]pilot.Answer{{Namespace: "demo", Name: "llama"}: {UID: "u", Replicas: 3, At: time.Now().Add(-time.Minute)}})
	other.learn(one.lines())
	got, ok := other.book.Answer(pilot.Service{Namespace: "demo", Name: "llama"})
	if age := time.Since(got.At); !ok || got.Replicas != 3 || got.UID != "u" || age < time.Minute || age > 2*time.Minute {
		t.Errorf("%+v, %v, want 3 replicas decided a minute ago", got, ok)
	}
	other.learn([]follow.Line{})
	if _, ok := other.book.Answer(pilot.Service{Namespace: "demo", Name: "llama"}); ok {
		t.Error("a service that the one that leads has forgotten is still there")
	}
}

// lease has changed hands so often, the last time from somebody else to its holder.
type lease struct {
	resourcelock.Interface
	transitions int
	holder      string
	acquired    time.Time
}

func (l lease) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return &resourcelock.LeaderElectionRecord{LeaderTransitions: l.transitions, HolderIdentity: l.holder, AcquireTime: metav1.NewTime(l.acquired)}, nil, nil
}

// self is by what name these tests would hold it.
const self = "10.0.0.1:9445"

func (lease) Identity() string { return self }

// slow does not answer in time.
type slow struct{}

func (slow) Read(ctx context.Context, _ time.Time, _ map[scrape.Service][]string) (map[scrape.Service]reading.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, 0)
	defer cancel()
	return nil, fmt.Errorf("asking Prometheus: %w", ctx.Err())
}

// Who has more services than can be read in time is told which flag that is.
func TestReadsTakeTooLong(t *testing.T) {
	of := map[pilot.Service][]string{{Namespace: "demo", Name: "llama"}: {"llama-0"}}
	if _, err := (readings{slow{}}).Read(t.Context(), time.Now(), of); err == nil || !strings.HasPrefix(err.Error(), "reading all services took longer than half a tick: see") || !strings.Contains(err.Error(), "--tick: asking Prometheus") {
		t.Errorf("Read = %v, want what to do", err)
	}
}

// recollected are parts that lead after others, which have written three services and one of a
// version that is not known, and their log.
func recollected(t *testing.T) (p parts, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	p = oneService(t, autoscaler.Enabled)
	p.lock, p.log = lease{transitions: 7}, slog.New(slog.NewTextHandler(log, nil))
	c := kubetest.Client(t)
	store := memory.Store{Reader: c, Writer: c, Namespace: "flyball-system"}
	written := p.kept([]pilot.Memory{
		{Service: pilot.Service{Namespace: "demo", Name: "llama"}, UID: "u", State: decide.State{Raised: 2, Settled: time.Hour}, Tally: advice.Tally{Version: advice.Version}},
		{Service: pilot.Service{Namespace: "demo", Name: "later"}, UID: "v", State: decide.State{Raised: 3}},
	})
	written = append(written, memory.Kept{Namespace: "demo", Name: "odd", UID: "w", State: []byte(`{"Version":99}`)},
		memory.Kept{Namespace: "demo", Name: "newer", UID: "x", State: written[0].State, Tally: []byte(`{"Version":99}`)})
	if err := store.Write(t.Context(), 6, written); err != nil {
		t.Fatal(err)
	}
	if led := p.recall(t.Context(), store, nil); led != 7 {
		t.Errorf("%d have led before, want 7", led)
	}
	return p, log
}

// INV-6: the next to lead goes on with what the one before has learned, and what it has not
// found yet is not lost at once.
func TestRecollection(t *testing.T) {
	p, _ := recollected(t)
	if s, ok := p.recalled.of(pilot.Service{Namespace: "demo", Name: "llama"}, "u"); !ok || s.State.Raised != 2 || s.State.Settled != 0 || s.Tally.Version != advice.Version {
		t.Errorf("recalled %+v, %v, want what was learned, not settled, and the comparison", s, ok)
	}
	if _, ok := p.recalled.of(pilot.Service{Namespace: "demo", Name: "llama"}, "another"); ok {
		t.Error("another object of that name is taken for the same")
	}
	first := p.kept([]pilot.Memory{{Service: pilot.Service{Namespace: "demo", Name: "llama"}, UID: "u"}})
	if len(first) != 3 || first[0].Name != "llama" {
		t.Errorf("first written: %v, want llama, later and newer", first)
	}
	if again := p.kept(nil); len(again) != 0 {
		t.Errorf("written again: %v, want nothing that was not found", again)
	}
}

// INV-6: what it does not understand is from scratch, and said.
func TestRecollectionOfAnotherVersion(t *testing.T) {
	p, log := recollected(t)
	if _, ok := p.recalled.of(pilot.Service{Namespace: "demo", Name: "odd"}, "w"); ok || strings.Count(log.String(), "begins from scratch") != 1 {
		t.Errorf("a state of version 99 is used, or not said: %s", log)
	}
	if m, ok := p.recalled.of(pilot.Service{Namespace: "demo", Name: "newer"}, "x"); !ok || m.State.Raised != 2 || m.Tally.Version != 0 || !strings.Contains(log.String(), "reading a comparison: version 99") {
		t.Errorf("beside a comparison of version 99: %+v, %v, want the state alone, and that it is said: %s", m, ok, log)
	}
}

func TestScalerFlags(t *testing.T) {
	folder := t.TempDir()
	for what, change := range map[string]func(*scalerOptions){
		"certificates are missing": func(o *scalerOptions) { o.keda.Certificates = "" },
		"--prometheus is missing":  func(o *scalerOptions) { o.prometheus.Address = "" },
		"without a certificate":    func(o *scalerOptions) { o.demand.Address = ":9444" },
		"too short":                func(o *scalerOptions) { o.tick = time.Second },
		"is too small":             func(o *scalerOptions) { o.record.bytes = 1000 },
	} {
		o := &scalerOptions{tick: 5 * time.Second, record: recording{bytes: leastRecord}, keda: scaler.Config{Address: ":9443", Certificates: folder}}
		o.prometheus.Address = "http://prometheus:9090"
		change(o)
		if err := o.validate(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("validate = %v, want %q", err, what)
		}
	}
}

// With --direct-scrape pods are read at their own addresses, each second if need be, and no Prometheus
// is named.
func TestDirectScrape(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "vllm:num_requests_running{engine=\"0\"} %d\n", len(r.URL.Path))
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama-0"}}
	pod.Spec.Containers = []corev1.Container{{Name: "vllm", Args: []string{"--port=" + at.Port()}}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: at.Hostname()}
	for kind, by := range promised.Cached(true).ByObject {
		if _, ok := kind.(*corev1.Pod); ok {
			if _, err := by.Transform(pod); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := &scalerOptions{direct: true, tick: time.Second, record: recording{bytes: leastRecord}, keda: scaler.Config{Address: ":9443", Certificates: t.TempDir()}}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	o.tick = time.Hour // a machine under load is no slow pod
	source, err := o.source(promised.New(promised.Settings{}, kubetest.Client(t, pod), nil, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	key := pilot.Service{Namespace: "demo", Name: "llama"}
	sets, err := source.Read(t.Context(), time.Now(), map[pilot.Service][]string{key: {"llama-0", "gone"}})
	if got := sets[key].Of(reading.Running).Pods; err != nil || len(got) != 2 || got[0].Value != float64(len("/metrics")) || got[0].Quality != reading.Fresh || got[1].Quality != reading.Absent {
		t.Errorf("Read = %+v, %v, want 8 running of the pod that there is", got, err)
	}
}

func TestScalerCredentials(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := &scalerOptions{tick: 5 * time.Second, record: recording{bytes: leastRecord}, credentials: folder, keda: scaler.Config{Address: ":9443", Certificates: folder}}
	o.prometheus.Address = "http://prometheus:9090"
	if err := o.validate(); err != nil || o.prometheus.User != "" || o.prometheus.TokenFile != "" {
		t.Errorf("with an empty folder: %v, %+v, want no credentials", err, o.prometheus)
	}
	write("token", "t")
	if err := o.validate(); err != nil || o.prometheus.TokenFile != filepath.Join(folder, "token") {
		t.Errorf("with a token: %v, %+v", err, o.prometheus)
	}
	o.prometheus.TokenFile = ""
	write("username", "admin\n")
	write("password", "p")
	if err := o.validate(); err != nil || o.prometheus.User != "admin" || o.prometheus.PasswordFile != filepath.Join(folder, "password") || o.prometheus.TokenFile != "" {
		t.Errorf("with a user: %v, %+v", err, o.prometheus)
	}
}
