package follow

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// lease is held by an address.
type lease struct {
	resourcelock.Interface
	holder string
	down   bool
}

func (l *lease) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	if l.down {
		return nil, nil, errors.New("the API server is down")
	}
	return &resourcelock.LeaderElectionRecord{HolderIdentity: l.holder}, nil, nil
}

// replicas are two that reach each other without a network.
type replicas struct {
	mu   sync.Mutex
	lead string
	cut  bool
	all  map[string]*Peer
	got  map[string][]Line
}

func (r *replicas) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	to, cut := r.all[req.URL.Host], r.cut
	r.mu.Unlock()
	if cut || to == nil {
		return nil, errors.New("no route")
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, req)
	return w.Result(), nil
}

func (r *replicas) add(l *lease, name string, replicas int) *Peer {
	p := &Peer{
		Lock: l, Log: logr.Discard(), client: &http.Client{Transport: r},
		Leads: func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.lead == name },
		Tell:  func() []Line { return []Line{{"demo", "llama", "u1", replicas, 1500}} },
		Learn: func(lines []Line) { r.mu.Lock(); defer r.mu.Unlock(); r.got[name] = lines },
	}
	r.all[name] = p
	return p
}

// learned is what a replica has been told since the last call.
func (r *replicas) learned(name string) []Line {
	<-time.After(3 * period)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got[name]
	delete(r.got, name)
	return got
}

// INV-1 to INV-3: a follows b until b loses the lease, and then nobody before it leads
// itself; what it was told last stays with it.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replicas{lead: "b:1", all: map[string]*Peer{}, got: map[string][]Line{}}
		l := &lease{holder: "b:1"}
		a := r.add(l, "a:1", 2)
		r.add(l, "b:1", 7)
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { a.follow(ctx) })
		set := func(f func()) { r.mu.Lock(); defer r.mu.Unlock(); f() }
		want := []Line{{"demo", "llama", "u1", 7, 1500}}
		for _, c := range []struct {
			what   string
			change func()
			want   []Line
		}{
			{"b leads", func() {}, want},
			{"the API server is down", func() { l.down = true }, want},
			{"b is cut off", func() { r.cut = true }, nil},
			{"and back", func() { r.cut, l.down = false, false }, want},
			{"b has lost the lease", func() { r.lead, l.holder = "", "" }, nil},
			{"a leads", func() { r.lead, l.holder = "a:1", "a:1" }, nil},
		} {
			set(c.change)
			if c.what == "a leads" || c.want == nil {
				r.learned("a:1") // of the moment of the change
			}
			if got := r.learned("a:1"); !cmp.Equal(got, c.want) {
				t.Errorf("%s: learned %v, want %v", c.what, got, c.want)
			}
		}
		cancel()
		following.Wait()
	})
}

func TestServe(t *testing.T) {
	leads := false
	p := &Peer{Leads: func() bool { return leads }, Tell: func() []Line { return []Line{{"demo", "llama", "u1", 3, 20}} }}
	for _, c := range []struct {
		leads bool
		path  string
		code  int
		says  string
	}{
		{true, Path, http.StatusOK, `[{"namespace":"demo","name":"llama","uid":"u1","replicas":3,"ageMillis":20}]`},
		{false, Path, http.StatusServiceUnavailable, "another replica leads"},
		{true, "/", http.StatusNotFound, ""},
	} {
		leads = c.leads
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, http.NoBody))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("GET %s = %d %s, want %d %s", c.path, w.Code, w.Body, c.code, c.says)
		}
	}
}
