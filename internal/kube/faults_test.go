//go:build e2e

package kube

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// scaleTime is how long it may take from what is held to what is asked for, once the API
// server answers again.
const scaleTime = 3 * time.Second

// testFaults puts the controller behind a way to the API server that fails in each way in
// which one does. Nothing that is held is lowered meanwhile, and what was missed is done
// soon after.
func testFaults(t *testing.T, a *apiServer, r *requests) {
	f := a.faulty(t)
	r.stop()
	a.startControllerAs(t, r, f.config, "flyball-system")
	for _, tc := range []struct {
		name, namespace string
		test            func(*testing.T, *faulty, *guided, *reporter)
	}{
		{"down", "faults-down", testDown},
		{"429", "faults-busy", testBusy},
		{"watches lost, 410", "faults-lost", testWatchesLost},
		{"stale cache", "faults-stale", testStale},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := a.sleeper(t, tc.namespace)
			g := a.reporter(t, "gateway-a", r)
			kubetest.Eventually(t, "taken reports", http.StatusNoContent, func() int { return g.send(t) })
			g.holds(t, 1, s)
			s.eventuallyRaised(1)
			tc.test(t, f, s, g)
			g.holds(t, 0, s)
			s.eventuallyRaised(0)
		})
	}
	r.stop()
	a.startController(t, r)
	t.Run("restored from a backup", func(t *testing.T) { testRestored(t, a) })
}

// testRestored: the object of that name is another one than was read, as after the restore
// of a backup, or once a user has made it anew.
func testRestored(t *testing.T, a *apiServer) {
	s := a.sleeper(t, "faults-restored")
	seen := s.decoded()
	seen.UID = "of-before"
	if changed, err := apply.Remove(t.Context(), a.Admin, seen); !apierrors.IsConflict(err) || changed {
		t.Errorf("remove = %v, %v, want a conflict", changed, err)
	}
	seen = s.decoded()
	want, _, err := kserve.Map(s.inferenceService())
	if err != nil {
		t.Fatal(err)
	}
	want.Spec.MaxReplicaCount = new(int32(5))
	s.patch("ScaledObject", `{"spec":{"pollingInterval":7}}`)
	if changed, _, err := apply.ScaledObject(t.Context(), a.Admin, kserve.Manager, seen, want); !apierrors.IsConflict(err) || changed {
		t.Errorf("apply = %v, %v, want a conflict", changed, err)
	}
	s.eventuallyScaled()
}

// raisedInTime fails the test if the minimum takes longer.
func (s *guided) raisedInTime(want int) {
	s.t.Helper()
	began := time.Now()
	s.eventuallyRaised(want)
	if took := time.Since(began); took > scaleTime {
		s.t.Errorf("raised to %d after %s, want it within %s", want, took.Round(time.Millisecond), scaleTime)
	}
}

func testDown(t *testing.T, f *faulty, s *guided, g *reporter) {
	f.set(down)
	g.holds(t, 3, s) // by a token that is known already
	s.staysRaised(1, 5*time.Second)
	f.set(well)
	s.raisedInTime(3)
	s.staysRaised(3, demand.TTL+time.Second) // nobody takes the silence for quiet
}

func testBusy(t *testing.T, f *faulty, s *guided, g *reporter) {
	f.set(busy)
	g.holds(t, 3, s)
	s.staysRaised(1, 5*time.Second)
	f.set(well)
	s.raisedInTime(3)
	s.staysRaised(3, demand.TTL+time.Second)
}

// What changes while no watch runs is found by listing again.
func testWatchesLost(t *testing.T, f *faulty, s *guided, g *reporter) {
	f.set(expired)
	s.patch("ScaledObject", `{"spec":{"maxReplicaCount":2}}`)
	kubetest.Eventually(t, "watches refused with 410", true, func() bool { return f.refused() > 10 })
	g.holds(t, 3, s)
	f.set(well)
	s.eventuallyRaised(3)
	kubetest.Eventually(t, "maxReplicaCount", 8, func() int { return int(*s.decoded().Spec.MaxReplicaCount) })
}

// The watches hang: they live and bring nothing. What was raised is not lowered by what is
// read, which is from before.
func testStale(t *testing.T, f *faulty, s *guided, g *reporter) {
	f.set(frozen)
	g.holds(t, 5, s)
	s.raisedInTime(5)
	g.holds(t, 2, s)
	s.staysRaised(5, 3*time.Second)
	g.holds(t, 0, s)
	s.staysRaised(5, demand.TTL-time.Second)
	g.holds(t, 4, s)
	s.staysRaised(5, 3*time.Second)
	f.set(well)
	g.holds(t, 6, s)
	s.raisedInTime(6)
}

// A fault is what is wrong with the way to the API server.
type fault int

const (
	well    fault = iota
	down          // connections end without an answer, also those of watches
	busy          // 429 to everything, watches end
	expired       // watches end, and new ones get 410
	frozen        // watches bring nothing
)

// faulty is a proxy before the API server that fails on command.
type faulty struct {
	config *rest.Config
	next   *httputil.ReverseProxy

	mu      sync.Mutex
	now     fault
	changed chan struct{} // closed when the fault is another
	gone    int           // watches that got 410
}

// faulty acts with the controller's rights.
func (a *apiServer) faulty(t *testing.T) *faulty {
	t.Helper()
	config := a.As("flyball-controller")
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{changed: make(chan struct{})}
	f.next = &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(to) },
		ModifyResponse: f.hang,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	f.config = &rest.Config{Host: server.URL, QPS: -1}
	return f
}

// set changes what is wrong.
func (f *faulty) set(now fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *faulty) fault() (fault, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.changed
}

// refused counts the watches that got 410.
func (f *faulty) refused() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone
}

func watches(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, changed := f.fault()
	switch {
	case now == down:
		panic(http.ErrAbortHandler)
	case now == busy:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
		return
	case now == expired && watches(r):
		f.mu.Lock()
		f.gone++
		f.mu.Unlock()
		http.Error(w, "too old resource version", http.StatusGone)
		return
	}
	if watches(r) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go f.end(ctx, cancel, changed)
		r = r.WithContext(ctx)
	}
	f.next.ServeHTTP(w, r)
}

// end ends a watch with the next fault, unless that is to hang.
func (f *faulty) end(ctx context.Context, cancel context.CancelFunc, changed <-chan struct{}) {
	for now := well; now == well || now == frozen; {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			now, changed = f.fault()
		}
	}
	cancel()
}

// hang lets a watch stand while it is to bring nothing.
func (f *faulty) hang(answer *http.Response) error {
	if watches(answer.Request) {
		answer.Body = &hanging{answer.Body, answer.Request.Context(), f}
	}
	return nil
}

type hanging struct {
	io.ReadCloser
	ctx context.Context
	f   *faulty
}

// Read holds what it has read back while the fault lasts.
func (h *hanging) Read(to []byte) (int, error) {
	n, err := h.ReadCloser.Read(to)
	for {
		now, changed := h.f.fault()
		if now != frozen {
			return n, err
		}
		select {
		case <-h.ctx.Done():
			return 0, h.ctx.Err()
		case <-changed:
		}
	}
}
