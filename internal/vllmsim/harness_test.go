package vllmsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
)

// pipes is a listener whose connections stay in memory, so that they may live in a
// bubble of synctest.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	opened   chan struct{} // closed when the server listens
}

func newPipes() *pipes {
	return &pipes{make(chan net.Conn), make(chan struct{}), make(chan struct{})}
}

func (p *pipes) listen(context.Context, string) (net.Listener, error) {
	close(p.opened)
	return p, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

// dial is refused while nobody listens.
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	select {
	case <-p.opened:
	default:
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case p.accepted <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}

// server is a running Server of a test.
type server struct {
	t        *testing.T
	client   *http.Client
	log      *bytes.Buffer
	sigterm  context.CancelFunc
	returned chan error
}

// start runs a server inside the bubble until the test ends or calls sigterm.
func start(t *testing.T, line string, settings Settings) *server {
	t.Helper()
	args, err := ParseArgs(strings.Fields(line))
	if err != nil {
		t.Fatal(err)
	}
	if settings.Profile == "" {
		settings.Profile = "qwen3-14b-h100"
	}
	settings.Speed = max(1, settings.Speed)
	p, log := newPipes(), &bytes.Buffer{}
	s, err := New(Config{
		Args: args, Settings: settings, Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(log, nil)), Listen: p.listen,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, sigterm := context.WithCancel(t.Context())
	running := &server{
		t: t, log: log, sigterm: sigterm, returned: make(chan error, 1),
		client: &http.Client{Transport: &http.Transport{DialContext: p.dial}},
	}
	go func() { running.returned <- s.Run(ctx) }()
	synctest.Wait()
	return running
}

// stop ends the server and the client's connections, which must not outlive the bubble.
func (s *server) stop() {
	s.sigterm()
	if err := <-s.returned; err != nil {
		s.t.Errorf("Run = %v", err)
	}
	s.client.CloseIdleConnections()
}

func (s *server) request(ctx context.Context, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://vllm"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// open sends a request and leaves the body to be read.
func (s *server) open(path, body string) *http.Response {
	s.t.Helper()
	response, err := s.client.Do(s.request(s.t.Context(), path, body))
	if err != nil {
		s.t.Fatal(err)
	}
	return response
}

// post returns an answer's status and body.
func (s *server) post(path, body string) (int, string) {
	s.t.Helper()
	response := s.open(path, body)
	defer response.Body.Close()
	return response.StatusCode, s.read(response.Body)
}

// get returns an answer's status and body, or 0 and the error.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://vllm"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	return response.StatusCode, s.read(response.Body)
}

func (s *server) read(r io.Reader) string {
	s.t.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		s.t.Error(err)
	}
	return string(body)
}

// metric is the value of a series, as text, or empty.
func (s *server) metric(series string) string {
	s.t.Helper()
	_, text := s.get("/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (s *server) wantMetrics(want map[string]string) {
	s.t.Helper()
	for series, value := range want {
		if got := s.metric(series); got != value {
			s.t.Errorf("%s = %q, want %q", series, got, value)
		}
	}
}
