package scaler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

// notes is a Book that the test writes.
type notes struct {
	mu        sync.Mutex
	answers   map[string]func() (Answer, error) // by namespace/name
	followers map[string][]chan struct{}
}

func newNotes() *notes {
	return &notes{answers: map[string]func() (Answer, error){}, followers: map[string][]chan struct{}{}}
}

func (n *notes) Answer(_ context.Context, o Object) (Answer, error) {
	n.mu.Lock()
	answer := n.answers[o.Namespace+"/"+o.Name]
	n.mu.Unlock()
	if answer == nil {
		return Answer{}, &autoscaler.Refusal{Cause: autoscaler.Unknown, Text: "no ScaledObject " + o.Namespace + "/" + o.Name + " states objectives"}
	}
	return answer()
}

func (n *notes) Follow(o Object) (changed <-chan struct{}, stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, key := make(chan struct{}, 1), o.Namespace+"/"+o.Name
	n.followers[key] = append(n.followers[key], c)
	return c, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.followers[key] = slices.DeleteFunc(n.followers[key], func(o chan struct{}) bool { return o == c })
	}
}

func (n *notes) put(key string, answer func() (Answer, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[key] = answer
	for _, c := range n.followers[key] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// decide is a decision of now.
func (n *notes) decide(key string, replicas, current int) {
	at := time.Now()
	n.put(key, func() (Answer, error) {
		return Answer{Replicas: replicas, At: at, Current: current, Tolerance: .1}, nil
	})
}

// refuse has an object refused.
func (n *notes) refuse(key string, err error) {
	n.put(key, func() (Answer, error) { return Answer{}, err })
}

// bubble runs f on a fake clock with a server over memory. stop ends the server and returns
// when it has ended.
func bubble(t *testing.T, f func(t *testing.T, s *Server, b *notes, keda externalscaler.ExternalScalerClient, stop func())) {
	synctest.Test(t, func(t *testing.T) {
		b := newNotes()
		s, err := New(Config{Address: "memory", Certificates: "none", Book: b, Registry: prometheus.NewRegistry(), Log: logr.Discard()})
		if err != nil {
			t.Fatal(err)
		}
		l := bufconn.Listen(1 << 20)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.serve(ctx, l, insecure.NewCredentials()) }()
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("serve() = %v, want nil", err)
			}
		})
		defer stop()
		conn, err := grpc.NewClient("passthrough:memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		f(t, s, b, externalscaler.NewExternalScalerClient(conn), stop)
	})
}

func ref(name string) *externalscaler.ScaledObjectRef {
	return &externalscaler.ScaledObjectRef{Namespace: "demo", Name: name, ScalerMetadata: map[string]string{"objectives": "ttft:p90:3s"}}
}

func metric(name string) *externalscaler.GetMetricsRequest {
	return &externalscaler.GetMetricsRequest{ScaledObjectRef: ref(name), MetricName: MetricName}
}

// INV-1: TestNoSpecIsInvented: none for what is refused, in the refusal's words, and the one
// with a target of 1 for what is not, before the first decision too.
func TestNoSpecIsInvented(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.put("demo/new", func() (Answer, error) { return Answer{}, nil })
		for name, tc := range map[string]struct {
			err  error
			code codes.Code
			says string
		}{
			"unknown":  {nil, codes.NotFound, "no ScaledObject demo/unknown states objectives"},
			"wrong":    {&autoscaler.Refusal{Cause: autoscaler.Wrong, Text: "objectives: ttft:p90:3: the target has no unit"}, codes.InvalidArgument, "objectives: ttft:p90:3: the target has no unit"},
			"foreign":  {&autoscaler.Refusal{Cause: autoscaler.Forbidden, Text: "namespace demo has not opted in"}, codes.PermissionDenied, "namespace demo has not opted in"},
			"second":   {&autoscaler.Refusal{Cause: autoscaler.Taken, Text: "llama is scaled by ScaledObject first"}, codes.AlreadyExists, "llama is scaled by ScaledObject first"},
			"early":    {&autoscaler.Refusal{Cause: autoscaler.Waiting, Text: "the target is not there"}, codes.Unavailable, "the target is not there"},
			"broken":   {errors.New("cache closed"), codes.Internal, "looking ScaledObject demo/broken up: cache closed"},
			"nameless": {&autoscaler.Refusal{Cause: 0, Text: "a cause that nobody knows"}, codes.Internal, "a cause that nobody knows"},
		} {
			if tc.err != nil {
				b.refuse("demo/"+name, tc.err)
			}
			refuses(t, keda, name, status.New(tc.code, tc.says))
		}
		if _, err := keda.GetMetricSpec(t.Context(), &externalscaler.ScaledObjectRef{}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("GetMetricSpec without a name = %v, want InvalidArgument", err)
		}
		got, err := keda.GetMetricSpec(t.Context(), ref("new"))
		if err != nil || len(got.MetricSpecs) != 1 || got.MetricSpecs[0].MetricName != "flyball-replicas" ||
			got.MetricSpecs[0].TargetSize != 1 || got.MetricSpecs[0].TargetSizeFloat != 1 {
			t.Errorf("GetMetricSpec(new) = %v, %v, want flyball-replicas with a target of 1", got, err)
		}
	})
}

// refuses checks that each call about an object ends with that, the one for its spec in those words.
func refuses(t *testing.T, keda externalscaler.ExternalScalerClient, name string, want *status.Status) {
	t.Helper()
	_, err := keda.GetMetricSpec(t.Context(), ref(name))
	if got := status.Convert(err); got.Code() != want.Code() || got.Message() != want.Message() {
		t.Errorf("GetMetricSpec(%s) = %v, want %v %q", name, err, want.Code(), want.Message())
	}
	if _, err := keda.GetMetrics(t.Context(), metric(name)); status.Code(err) != want.Code() {
		t.Errorf("GetMetrics(%s) = %v, want %v", name, err, want.Code())
	}
	if _, err := keda.IsActive(t.Context(), ref(name)); status.Code(err) != want.Code() {
		t.Errorf("IsActive(%s) = %v, want %v", name, err, want.Code())
	}
}

// INV-6: TestAnswers: the decision, until it is too old.
func TestAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.put("demo/llama", func() (Answer, error) { return Answer{}, nil })
		ask := func() (float64, bool, error) { return askLlama(t, keda) }
		if _, _, err := ask(); status.Code(err) != codes.Unavailable {
			t.Errorf("before the first decision: %v, want Unavailable", err)
		}
		for _, n := range []int{4, 0, 1} {
			b.decide("demo/llama", n, 4)
			if got, active, err := ask(); got != float64(n) || active != (n > 0) || err != nil {
				t.Errorf("%v, %v, %v, want %d", got, active, err, n)
			}
		}
		<-time.After(MaxAge)
		if got, _, err := ask(); got != 1 || err != nil {
			t.Errorf("after %s: %v, %v, want 1", MaxAge, got, err)
		}
		<-time.After(time.Second)
		if _, _, err := ask(); status.Code(err) != codes.Unavailable {
			t.Errorf("after more than %s: %v, want Unavailable", MaxAge, err)
		}
		if _, err := keda.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: ref("llama"), MetricName: "s0-other"}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("GetMetrics of another metric = %v, want InvalidArgument", err)
		}
	})
}

// askLlama is what GetMetrics and IsActive say of llama.
func askLlama(t *testing.T, keda externalscaler.ExternalScalerClient) (float64, bool, error) {
	t.Helper()
	m, err := keda.GetMetrics(t.Context(), metric("llama"))
	a, err2 := keda.IsActive(t.Context(), ref("llama"))
	if status.Code(err) != status.Code(err2) {
		t.Errorf("GetMetrics = %v, IsActive = %v, want the same", err, err2)
	}
	if err != nil || err2 != nil {
		return 0, false, err
	}
	v := m.MetricValues[0]
	if len(m.MetricValues) != 1 || v.MetricName != MetricName || float64(v.MetricValue) != v.MetricValueFloat {
		t.Errorf("GetMetrics = %v, want one value, the same in both fields", m)
	}
	return v.MetricValueFloat, a.Result, nil
}

// received collects what a stream says, with the time since start.
type received struct {
	mu    sync.Mutex
	said  []time.Duration
	false int
	err   error
}

func (r *received) take() ([]time.Duration, error) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said, r.err
}

// listen opens StreamIsActive.
func listen(t *testing.T, keda externalscaler.ExternalScalerClient, name string) *received {
	t.Helper()
	stream, err := keda.StreamIsActive(t.Context(), ref(name))
	if err != nil {
		t.Fatal(err)
	}
	r, began := &received{}, time.Now()
	go func() {
		for {
			res, err := stream.Recv()
			r.mu.Lock()
			switch {
			case err != nil:
				r.err = err
			case res.Result:
				r.said = append(r.said, time.Since(began))
			default:
				r.false++
			}
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return r
}

// INV-3: TestWakeIsToldUntilItIsDone: at once, each 2 s while there is no replica, and then no
// more; one that is refused is waited for.
func TestWakeIsToldUntilItIsDone(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.refuse("demo/llama", &autoscaler.Refusal{Cause: autoscaler.Wrong, Text: "objectives: missing"})
		r := listen(t, keda, "llama")
		step := func(what string, wait time.Duration, want ...time.Duration) {
			t.Helper()
			<-time.After(wait)
			if got, err := r.take(); err != nil || len(got) != len(want) || len(want) > 0 && got[0] != want[0] {
				t.Errorf("%s: told at %v, %v, want %v", what, got, err, want)
			}
		}
		step("refused", 10*time.Second)
		b.decide("demo/llama", 0, 0)
		step("asleep", 10*time.Second)
		b.decide("demo/llama", 2, 0)
		step("woken", 0, 20*time.Second)
		step("and nothing happens", 5*time.Second, 22*time.Second, 24*time.Second)
		b.decide("demo/llama", 3, 0)
		step("one more is wanted", 500*time.Millisecond)
		b.decide("demo/llama", 3, 1)
		step("there is one", 30*time.Second)
		b.decide("demo/llama", 0, 1)
		step("asleep again", 10*time.Second)
		b.decide("demo/llama", 1, 1)
		step("and not", time.Second, 65500*time.Millisecond)
		if r.false != 0 {
			t.Errorf("false was told %d times: KEDA before 2.18 would scale to zero on one trigger's word", r.false)
		}
	})
}

// INV-2: TestStreamsEndWell: by age, and on shutdown, with OK.
func TestStreamsEndWell(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, stop func()) {
		b.decide("demo/llama", 1, 1)
		old := listen(t, keda, "llama")
		<-time.After(streamAge * 9 / 10)
		if _, err := old.take(); err != nil {
			t.Errorf("after %s: %v, want a stream that is open", streamAge*9/10, err)
		}
		<-time.After(streamAge / 5)
		if _, err := old.take(); !errors.Is(err, io.EOF) {
			t.Errorf("after %s: %v, want EOF", streamAge*11/10, err)
		}
		b.decide("demo/llama", 1, 1)
		r := listen(t, keda, "llama")
		refused := listen(t, keda, "unknown")
		specs, err := keda.StreamMetricSpec(t.Context(), ref("llama"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := specs.Recv(); err != nil || len(got.MetricSpecs) != 1 {
			t.Errorf("StreamMetricSpec: %v, %v, want the spec at once", got, err)
		}
		if said, err := r.take(); len(said) != 1 || err != nil {
			t.Errorf("a new stream says %v, %v, want that it is active", said, err)
		}
		began := time.Now()
		stop()
		for name, r := range map[string]*received{"active": r, "refused": refused} {
			if _, err := r.take(); !errors.Is(err, io.EOF) {
				t.Errorf("on shutdown, %s: %v, want EOF", name, err)
			}
		}
		if _, err := specs.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("on shutdown, StreamMetricSpec: %v, want EOF", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the shutdown took %s, want none", took)
		}
	})
}

// TestSpecIsStreamedOnceRight: nothing while an object is refused, never an empty list.
func TestSpecIsStreamedOnceRight(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.refuse("demo/llama", &autoscaler.Refusal{Cause: autoscaler.Wrong, Text: "objectives: missing"})
		stream, err := keda.StreamMetricSpec(t.Context(), ref("llama"))
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan *externalscaler.GetMetricSpecResponse, 10)
		go func() {
			for {
				res, err := stream.Recv()
				if err != nil {
					return
				}
				got <- res
			}
		}()
		<-time.After(time.Minute)
		if len(got) != 0 {
			t.Errorf("refused: %v, want nothing", <-got)
		}
		for range 3 {
			b.decide("demo/llama", 1, 1)
			synctest.Wait()
		}
		if len(got) != 1 || len((<-got).MetricSpecs) != 1 {
			t.Errorf("put right: %d specs more, want one in all", len(got))
		}
	})
}

// INV-7: TestOthersAreNotHindered by a namespace that asks too much, nor by a panic.
func TestOthersAreNotHindered(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.decide("demo/llama", 1, 1)
		b.decide("other/llama", 1, 1)
		other := ref("llama")
		other.Namespace = "other"
		for i := range namespaceBurst {
			if _, err := keda.IsActive(t.Context(), ref("llama")); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if _, err := keda.IsActive(t.Context(), ref("llama")); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("beyond the burst: %v, want ResourceExhausted", err)
		}
		if _, err := keda.IsActive(t.Context(), other); err != nil {
			t.Errorf("another namespace: %v, want an answer", err)
		}
		<-time.After(time.Second)
		if _, err := keda.IsActive(t.Context(), ref("llama")); err != nil {
			t.Errorf("a second later: %v, want an answer", err)
		}
		b.put("demo/bad", func() (Answer, error) { var none *Answer; return *none, nil })
		if _, err := keda.IsActive(t.Context(), ref("bad")); status.Code(err) != codes.Internal {
			t.Errorf("a panic: %v, want Internal", err)
		}
		stream, err := keda.StreamIsActive(t.Context(), ref("bad"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); status.Code(err) != codes.Internal {
			t.Errorf("a panic in a stream: %v, want Internal", err)
		}
		if _, err := keda.IsActive(t.Context(), other); err != nil {
			t.Errorf("after a panic: %v, want an answer", err)
		}
		<-time.After(2 * idleNamespace)
		if _, err := keda.IsActive(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if n := len(s.service.limits.namespaces); n != 1 {
			t.Errorf("%d namespaces are kept, want the one that asks", n)
		}
	})
}

// TestStreamsAreLimited: by namespace, and what ends is given back.
func TestStreamsAreLimited(t *testing.T) {
	l, now := newLimits(), time.Unix(0, 0)
	ends := make([]func(), namespaceStreams)
	for i := range ends {
		ends[i] = l.open("demo", now)
	}
	if l.open("demo", now) != nil {
		t.Error("open() beyond the namespace's limit, want nil")
	}
	if l.open("other", now) == nil {
		t.Error("open() of another namespace = nil, want a stream")
	}
	ends[0]()
	if l.open("demo", now) == nil {
		t.Error("open() after another has ended = nil, want a stream")
	}
}

// TestLargeMetadataIsRefused before anything is made of it.
func TestLargeMetadataIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		b.decide("demo/llama", 1, 1)
		large := ref("llama")
		large.ScalerMetadata["fromEnv"] = string(make([]byte, maxMessage))
		if _, err := keda.IsActive(t.Context(), large); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("IsActive with %d bytes of metadata = %v, want ResourceExhausted", maxMessage, err)
		}
	})
}

// TestManyFallAsleep: 60 objects that are inactive are told nothing, whatever changes, and
// one that is active at some replicas once: KEDA takes each push for a sign of life, and
// scales to zero after the last one.
func TestManyFallAsleep(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		var all []*received
		for i := range 60 {
			name := fmt.Sprintf("s%d", i)
			b.decide("demo/"+name, 1, 1)
			all = append(all, listen(t, keda, name))
		}
		for _, r := range all {
			if said, err := r.take(); len(said) != 1 || err != nil {
				t.Fatalf("a stream of an active object says %v, %v, want that it is, once", said, err)
			}
		}
		for range 5 {
			for i := range all {
				b.decide(fmt.Sprintf("demo/s%d", i), 0, 1)
			}
			<-time.After(time.Minute)
		}
		for i, r := range all {
			sleeps(t, keda, fmt.Sprintf("s%d", i), r)
		}
	})
}

// sleeps checks that an object is inactive, and that its stream says nothing of it.
func sleeps(t *testing.T, keda externalscaler.ExternalScalerClient, name string, r *received) {
	t.Helper()
	if said, err := r.take(); len(said) != 0 || err != nil || r.false != 0 {
		t.Errorf("asleep: %s was told true at %v and false %d times, %v, want nothing", name, said, r.false, err)
	}
	if a, err := keda.IsActive(t.Context(), ref(name)); err != nil || a.Result {
		t.Errorf("IsActive(%s) = %v, %v, want false", name, a, err)
	}
}
