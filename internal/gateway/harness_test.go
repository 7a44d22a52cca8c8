package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(childKind); kind != "" {
		os.Exit(serveChild(kind))
	}
	goleak.VerifyTestMain(m)
}

// world is a network in memory, which may live in a bubble of synctest.
type world struct {
	t         *testing.T
	mu        sync.Mutex
	listeners map[string]*pipes
	conns     map[string][]net.Conn // the servers' ends
	client    *http.Client
	stops     []func()
}

// inWorld runs a test in a bubble: its clock is fake, and its goroutines must end.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, listeners: map[string]*pipes{}, conns: map[string][]net.Conn{}}
		transport := &http.Transport{DialContext: w.dial}
		w.client = &http.Client{Transport: transport}
		defer func() {
			transport.CloseIdleConnections()
			for _, stop := range w.stops {
				stop()
			}
			transport.CloseIdleConnections()
		}()
		test(t, w)
	})
}

// pipes is a listener whose connections stay in memory.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

func (w *world) listen(address string) *pipes {
	p := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listeners[address] = p
	return p
}

// fromAddress is a connection that comes from somewhere.
type fromAddress struct{ net.Conn }

func (fromAddress) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1} }

// everybody may send requests, and everybody's headers are trusted.
func everybody() *tenant.Checker {
	all, _ := tenant.New(tenant.Config{Authenticate: "none", Proxies: []string{"0.0.0.0/0"}})
	return all
}

// dial is refused where nobody listens.
func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	w.mu.Lock()
	p := w.listeners[address]
	w.mu.Unlock()
	if p == nil {
		return nil, refused
	}
	ours, end := net.Pipe()
	theirs := fromAddress{end}
	select {
	case p.accepted <- theirs:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.conns[address] = append(w.conns[address], theirs)
		return ours, nil
	case <-p.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// engine is the server of a pod.
type engine struct {
	Pod
	server *http.Server
	mu     sync.Mutex
	served int // requests that came
}

func (e *engine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.served
}

// engine starts a pod's server. It reads the request's body before it answers.
func (w *world) engine(name string, answer http.HandlerFunc) *engine {
	e := &engine{Pod: Pod{name, name + ":8000"}}
	e.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		e.mu.Lock()
		e.served++
		e.mu.Unlock()
		answer(rw, r)
	})}
	l := w.listen(e.Address)
	go func() { _ = e.server.Serve(l) }()
	w.stops = append(w.stops, func() { _ = e.server.Close() })
	return e
}

// front is a gateway that runs at NAME:80, its admin side at NAME:81.
type front struct {
	*Gateway
	w        *world
	name     string
	registry *prometheus.Registry
	sigterm  context.CancelFunc
	returned chan error

	mu      sync.Mutex
	logged  bytes.Buffer
	reports []demand.Report
	told    []time.Time
}

// Write is that of the log.
func (f *front) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logged.Write(b)
}

func (f *front) lines() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logged.String()
}

func (f *front) hear(r demand.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, r)
	f.told = append(f.told, time.Now())
}

// heard are the reports, and when they came.
func (f *front) heard() ([]demand.Report, []time.Time) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.reports), slices.Clone(f.told)
}

// last is the latest report's part about demo/llama.
func (f *front) last() demand.Item {
	reports, _ := f.heard()
	if len(reports) > 0 {
		for _, d := range reports[len(reports)-1].Services {
			if d.Namespace+"/"+d.Name == "demo/llama" {
				return d
			}
		}
	}
	return demand.Item{}
}

// smallConfig holds up to 5 requests a service for a minute, and stops within 30 s.
func smallConfig() Config {
	_, limits, wakes := Defaults()
	limits.BodyBytes, limits.RequestsBytes = 64<<10, 16<<20
	limits.DrainDelay, limits.DrainTime = 5*time.Second, 25*time.Second
	return Config{
		Tenants: everybody(), Wakes: wakes,
		Hold: admit.Config{
			Service: admit.Budget{Bytes: 200 << 10, Requests: 5}, Total: admit.Budget{Bytes: 400 << 10, Requests: 8}, TTL: time.Minute,
		},
		Limits: limits,
	}
}

func (w *world) front(name string, change func(*Config)) *front {
	w.t.Helper()
	f := &front{w: w, name: name, registry: prometheus.NewRegistry(), returned: make(chan error, 1)}
	c := smallConfig()
	c.Name, c.Registry, c.Log, c.Dial, c.Tell = name, f.registry, slog.New(slog.NewJSONHandler(f, nil)), w.dial, f.hear
	if change != nil {
		change(&c)
	}
	g, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	f.Gateway = g
	ctx, cancel := context.WithCancel(w.t.Context())
	f.sigterm = cancel
	public, admin := w.listen(name+":80"), w.listen(name+":81")
	go func() {
		defer close(f.returned)
		f.returned <- g.Run(ctx, public, admin)
	}()
	w.stops = append(w.stops, func() {
		cancel()
		if err := <-f.returned; err != nil {
			w.t.Errorf("Run = %v", err)
		}
	})
	synctest.Wait()
	return f
}

// llama is a service with these pods.
func llama(pods ...*engine) Service {
	s := Service{
		Namespace: "demo", Name: "llama", Hosts: []string{"llama-demo.example.com", "llama.demo"},
		Models: []string{"llama", "llama-lora"}, Target: 2,
	}
	for _, p := range pods {
		s.Pods = append(s.Pods, p.Pod)
	}
	return s
}

const chat = `{"model":"llama","messages":[{"role":"user","content":"hello"}],"max_tokens":10}`

func (f *front) request(ctx context.Context, method, path, body string) *http.Request {
	f.w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+f.name+":80"+path, strings.NewReader(body))
	if err != nil {
		f.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// reply is what a client has seen.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

func (r reply) String() string {
	return fmt.Sprintf("%d %q after %v, error %v", r.status, r.body, r.took, r.err)
}

func (f *front) do(r *http.Request) reply {
	began := time.Now()
	answer, err := f.w.client.Do(r)
	if err != nil {
		return reply{err: err, took: time.Since(began)}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(body), err, time.Since(began)}
}

func (f *front) post(body string) reply {
	return f.do(f.request(f.w.t.Context(), http.MethodPost, "/v1/chat/completions", body))
}

// start posts and does not wait; it returns when the request has come to rest.
func (f *front) start(body string) <-chan reply {
	done := make(chan reply, 1)
	go func() { done <- f.post(body) }()
	synctest.Wait()
	return done
}

// startByHost is start for a request that names the service, so that its client is told causes.
func (f *front) startByHost() <-chan reply {
	done := make(chan reply, 1)
	r := f.request(f.w.t.Context(), http.MethodPost, "/v1/chat/completions", chat)
	r.Host = "llama.demo"
	go func() { done <- f.do(r) }()
	synctest.Wait()
	return done
}

// raw sends bytes and returns the status of the answer.
func (f *front) raw(text string) string {
	f.w.t.Helper()
	conn, err := f.w.dial(f.w.t.Context(), "", f.name+":80")
	if err != nil {
		f.w.t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }()
	for r, before := bufio.NewReader(conn), ""; ; {
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return before + "hung up"
		}
		defer answer.Body.Close()
		if answer.StatusCode >= 200 {
			return before + answer.Status
		}
		before += answer.Status + ", "
	}
}

func (f *front) held() int {
	load, _ := f.loads(f.directory.Load().byKey["demo/llama"])
	return load.Requests
}

// count is a counter's or gauge's value.
func (f *front) count(name string, labels ...string) float64 {
	f.w.t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		f.w.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if family.GetName() == "flyball_gateway_"+name && strings.Join(values, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func (w *world) check(what string, got, want any) {
	w.t.Helper()
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// says answers a request with a short text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// streams sends events at 1 s distance and ends with [DONE].
func streams(events int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			if !pause(r.Context(), time.Second) {
				return
			}
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}
}

// hangs never answers.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// loopbackConfig is that of a gateway outside of worlds.
func loopbackConfig() Config {
	hold, limits, wakes := Defaults()
	return Config{Name: "gateway", Hold: hold, Limits: limits, Wakes: wakes, Tenants: everybody(), Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
}
