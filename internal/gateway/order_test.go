package gateway

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/plant"
)

// byPromise is a gateway where requests wait by promise, up to 100 for ten minutes.
func (w *world) byPromise() *front {
	return w.front("gateway", func(c *Config) {
		c.ByPromise, c.Hold.TTL = true, 10*time.Minute
		c.Hold.Service, c.Hold.Total = admit.Budget{Bytes: 16 << 20, Requests: 100}, admit.Budget{Bytes: 16 << 20, Requests: 100}
	})
}

// room has pods of llama take so many requests; a prompt of 100 tokens is read in 0.1 s.
func room(requests int) demand.Answer {
	return demand.Answer{Rooms: []demand.Room{
		{Namespace: "demo", Name: "llama", TTFT: 4 * time.Second, Requests: requests, PerToken: time.Millisecond},
		{Namespace: "demo", Name: "gone", TTFT: time.Second, Requests: 1},
	}}
}

// prompt is a body of so many tokens, by the gateway's estimate.
func prompt(name string, tokens int, stream bool) string {
	body := fmt.Sprintf(`{"model":"llama","user":%q,"stream":%t,"prompt":""}`, name, stream)
	return strings.Replace(body, `""}`, `"`+strings.Repeat("x", admit.BytesPerToken*tokens-len(body))+`"}`, 1)
}

// A ledger is an engine whose answers are given one by one.
type ledger struct {
	mu    sync.Mutex
	came  []string // by the user field, in order
	begin map[string]chan struct{}
	done  map[string]chan struct{}
}

func newLedger() *ledger {
	return &ledger{begin: map[string]chan struct{}{}, done: map[string]chan struct{}{}}
}

func userOf(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	_, rest, _ := strings.Cut(string(body), `"user":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func (l *ledger) of(name string) (begin, done chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begin[name] == nil {
		l.begin[name], l.done[name] = make(chan struct{}), make(chan struct{})
	}
	return l.begin[name], l.done[name]
}

func (l *ledger) serve(rw http.ResponseWriter, r *http.Request) {
	name := userOf(r)
	begin, done := l.of(name)
	l.mu.Lock()
	l.came = append(l.came, name)
	l.mu.Unlock()
	for _, event := range []chan struct{}{begin, done} {
		select {
		case <-event:
		case <-r.Context().Done():
			return
		}
		_, _ = io.WriteString(rw, name)
		_ = http.NewResponseController(rw).Flush()
	}
}

// speak lets a request have its first byte, and answer the rest.
func (l *ledger) speak(name string)  { begin, _ := l.of(name); close(begin); synctest.Wait() }
func (l *ledger) answer(name string) { _, done := l.of(name); close(done); synctest.Wait() }

func (l *ledger) seen() string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.came, " ")
}

// INV-14: TestByPromise: before a room is known requests pass; then they wait while the pod has
// none, by count or by what it has to read, those that are late behind those that are not; and
// once what is known is old they pass again.
func TestByPromise(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f, l := w.byPromise(), newLedger()
		f.Update([]Service{llama(w.engine("pod", l.serve))})
		var all []<-chan reply
		send := func(names ...string) {
			for _, name := range names {
				all = append(all, f.start(prompt(name, 400, true)))
			}
		}
		send("a", "b", "c")
		w.check("nothing is known", l.seen(), "a b c")
		f.Hear(room(4))
		w.check("room", f.count("pod_room_requests", "demo", "llama"), 4.0)
		send("d", "e")
		w.check("three prompts to read, in 1.2 s", l.seen(), "a b c")
		pause(t.Context(), 3*time.Second) // d and e are late: (4 − 0.4) s / 2 are over
		send("f")
		pause(t.Context(), time.Second)
		if got := f.last(); got.Held != 3 || got.InFlight != 3 {
			t.Errorf("told %+v, want 3 held and 3 in flight", got)
		}
		l.speak("a")
		w.check("two prompts to read", l.seen(), "a b c")
		l.speak("b")
		w.check("one prompt to read, and one request free", l.seen(), "a b c f")
		l.speak("c")
		w.check("no request free", l.seen(), "a b c f")
		l.answer("a")
		w.check("the late ones by arrival", l.seen(), "a b c f d")
		f.Hear(room(4))
		pause(t.Context(), orderLife-time.Second)
		w.check("known for five minutes", f.count("pod_room_requests", "demo", "llama"), 4.0)
		pause(t.Context(), 2*time.Second)
		l.speak("f")
		w.check("a pod that answers has room, by arrival", l.seen(), "a b c f d e")
		for _, name := range []string{"d", "e"} {
			l.speak(name)
		}
		for _, name := range []string{"b", "c", "d", "e", "f"} {
			l.answer(name)
		}
		for _, done := range all {
			w.check("status", (<-done).status, 200)
		}
		w.check("all", f.count("requests_total", "demo", "answered", "llama"), 6.0)
		w.check("unread", f.unread(), int64(0))
	})
}

func (f *front) unread() (n int64) {
	for _, p := range *f.directory.Load().byKey["demo/llama"].ready.Load() {
		n += p.unread.Load()
	}
	return n
}

// TestOrderIsOff: without it what is told of rooms changes nothing.
func TestOrderIsOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f, l := w.front("gateway", nil), newLedger()
		f.Update([]Service{llama(w.engine("pod", l.serve))})
		f.Hear(room(1))
		for _, name := range []string{"a", "b", "c"} {
			done := f.start(prompt(name, 400, true))
			defer func() { w.check("status", (<-done).status, 200) }()
		}
		w.check("all at once", l.seen(), "a b c")
		w.check("room", f.count("pod_room_requests", "demo", "llama"), 0.0)
		pause(t.Context(), time.Second)
		reports, _ := f.heard()
		w.check("says so", reports[len(reports)-1].ByPromise, false)
		for _, name := range []string{"a", "b", "c"} {
			l.speak(name)
			l.answer(name)
		}
	})
}

// TestWholeAnswersAreRead: of an answer that comes whole the prompt counts as read after the time
// that it should take, and again for no other.
func TestWholeAnswersAreRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f, l := w.byPromise(), newLedger()
		f.Update([]Service{llama(w.engine("pod", l.serve))})
		f.start(prompt("asked", 400, false))
		l.speak("asked")
		l.answer("asked")
		f.Hear(room(10))
		var all []<-chan reply
		for _, name := range []string{"a", "b", "c", "d"} {
			all = append(all, f.start(prompt(name, 400, false)))
		}
		w.check("two are read in 0.8 s", l.seen(), "asked a b")
		pause(t.Context(), 500*time.Millisecond)
		w.check("one has been", l.seen(), "asked a b c")
		l.speak("b") // before its time
		w.check("two have been", l.seen(), "asked a b c d")
		w.check("unread", f.unread(), int64(800))
		pause(t.Context(), 3*time.Second)
		w.check("unread later", f.unread(), int64(0))
		for _, name := range []string{"a", "c", "d"} {
			l.speak(name)
		}
		for i, name := range []string{"a", "b", "c", "d"} {
			l.answer(name)
			w.check("answer of "+name, (<-all[i]).body, name+name)
		}
		w.check("unread at the end", f.unread(), int64(0))
	})
}

// TestByPromiseEndsOnce: of those that wait one's client leaves, one's time is up, and those of a
// pod that goes are tried again, at once: each ends in one outcome, and nothing is left of it (INV-1,
// INV-14).
func TestByPromiseEndsOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f, l := w.byPromise(), newLedger()
		a, b := w.engine("a", l.serve), w.engine("b", l.serve)
		f.Update([]Service{llama(a)})
		f.Hear(room(1))
		first := f.start(prompt("first", 100, true))
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan reply, 1)
		go func() {
			left <- f.do(f.request(ctx, http.MethodPost, "/v1/completions", prompt("leaves", 100, true)))
		}()
		synctest.Wait()
		waits := f.start(prompt("waits", 100, true))
		w.check("held", f.held(), 2)
		leave()
		if got := <-left; got.err == nil {
			t.Errorf("a client that leaves sees %v", got)
		}
		synctest.Wait()
		w.check("held without it", f.held(), 1)
		for range 3 {
			pause(t.Context(), 3*time.Minute)
			f.Hear(room(1))
		}
		second := f.start(prompt("second", 100, true))
		pause(t.Context(), 2*time.Minute)
		w.check("whose time is up", (<-waits).status, http.StatusTooManyRequests)
		f.Update([]Service{llama(b)})
		w.check("a pod with room", l.seen(), "first second")
		_ = a.server.Close()
		w.check("tried again, without waiting", l.seen(), "first second first")
		for _, name := range []string{"first", "second"} {
			l.speak(name)
			l.answer(name)
		}
		w.check("first", (<-first).status, http.StatusOK)
		w.check("second", (<-second).status, http.StatusOK)
		for outcome, n := range map[string]float64{"answered": 2, "client_gone": 1, "expired": 1} {
			w.check(outcome, f.count("requests_total", "demo", outcome, "llama"), n)
		}
		w.check("unread", f.unread(), int64(0))
		w.check("in flight", f.count("in_flight_requests", "demo", "llama"), 0.0)
		w.check("held at the end", f.held(), 0)
	})
}

// A play is what a simulated replica made of a script.
type play struct {
	room  capacity.Room
	ttft  time.Duration
	ready time.Duration
	done  []plant.Done // in the order of their first tokens
}

// The script: twice as much as is read arrives for six seconds, and the replica is ready at 4 s.
const (
	scripted       = 40
	scriptedPrompt = 9000 // more than a step takes, so that no two have their first token together
	scriptedAnswer = 20
)

func arrivesAt(i int) time.Duration {
	return time.Duration(i)*150*time.Millisecond + 37*time.Microsecond
}

// simulated has the simulator's plant run the script.
func simulated(t *testing.T) play {
	t.Helper()
	profile, err := plant.FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	c := plant.FleetConfig{
		Engine: plant.Config{
			Cost: profile.Cost, AsyncScheduling: profile.AsyncScheduling, KVTokens: 40000, BlockTokens: 16,
			MaxModelLen: 20000, MaxNumBatchedTokens: 8192, MaxNumSeqs: 256,
		},
		GPUs: 1, Nodes: 1, GPUsPerNode: 1, Routing: plant.LeastOutstanding,
		Hold:      plant.Hold{Queue: admit.Defaults(), ByPromise: true, TTFT: 6 * time.Second, TPOT: 2 * time.Second},
		ColdStart: plant.ColdStart{Ready: plant.Phase{Mean: 4 * time.Second}, Pulled: true},
	}
	f, err := plant.NewFleet(c)
	if err != nil {
		t.Fatal(err)
	}
	p := play{ttft: c.Hold.TTFT, ready: 4 * time.Second}
	p.room = capacity.Replica{
		Costs:  capacity.Fit{}.Estimate(c.Hold.Prior).Costs,
		Mix:    capacity.Mix{Prompt: scriptedPrompt, Spread: 1, Output: scriptedAnswer, Context: scriptedPrompt + scriptedAnswer/2},
		Limits: capacity.Limits{TTFT: c.Hold.TTFT, TPOT: c.Hold.TPOT, CacheTokens: 40000, BatchTokens: 8192},
	}.Room()
	f.SetReplicas(0, 1)
	for i := range scripted {
		p.done = append(p.done, f.Advance(arrivesAt(i))...)
		f.Offer(arrivesAt(i), plant.Request{ID: plant.ID(i + 1), PromptTokens: scriptedPrompt, MaxTokens: scriptedAnswer}, 0)
	}
	for f.InFlight() > 0 {
		p.done = append(p.done, f.Advance(f.Next())...)
	}
	slices.SortFunc(p.done, func(a, b plant.Done) int { return cmp.Compare(a.FirstToken, b.FirstToken) })
	return p
}

// arrived is a request at a pod, and when it came.
type arrived struct {
	name string
	at   time.Duration
}

// inTurn are the names as they came. Those that were released at one instant come on connections
// of their own: they stand as in the order that is given.
func inTurn(all []arrived, order []string) []string {
	slices.SortFunc(all, func(a, b arrived) int {
		return cmp.Or(cmp.Compare(a.at, b.at), slices.Index(order, a.name)-slices.Index(order, b.name))
	})
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.name
	}
	return names
}

// named are the answers by their requests' names, and these in order, which is not that of arrival.
func (p play) named(t *testing.T) (at map[string]plant.Done, order []string) {
	t.Helper()
	at = map[string]plant.Done{}
	inOrder := true
	for i, d := range p.done {
		if d.Ending != plant.Answered {
			t.Fatalf("%+v, want an answer", d)
		}
		name := fmt.Sprint(d.ID)
		at[name], order = d, append(order, name)
		inOrder = inOrder && (i == 0 || d.ID > p.done[i-1].ID)
	}
	if inOrder || len(order) != scripted {
		t.Fatalf("the simulator releases %v, which is by arrival", order)
	}
	return at, order
}

// TestOrderOfTheSimulator: what the simulator releases in an order the gateway releases in the
// same: of one script, with a pod that answers when the simulated replica does.
func TestOrderOfTheSimulator(t *testing.T) {
	p := simulated(t)
	at, want := p.named(t)
	inWorld(t, func(t *testing.T, w *world) {
		f := w.byPromise()
		began := time.Now()
		until := func(ctx context.Context, at time.Duration) bool { return pause(ctx, at-time.Since(began)) }
		var mu sync.Mutex
		var got []arrived
		pod := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			name := userOf(r)
			mu.Lock()
			got = append(got, arrived{name, time.Since(began)})
			mu.Unlock()
			if until(r.Context(), at[name].FirstToken) {
				says(name)(rw, r)
				_ = http.NewResponseController(rw).Flush()
				until(r.Context(), at[name].LastToken+time.Microsecond) // two events of an instant have no order
			}
		})
		f.Update([]Service{llama()})
		f.Hear(demand.Answer{Rooms: []demand.Room{{
			Namespace: "demo", Name: "llama", TTFT: p.ttft, Requests: p.room.Sequences, PerToken: p.room.PerToken, Rest: p.room.Rest,
		}}})
		var all []<-chan reply
		ready := false
		for i := range scripted {
			if arrives := arrivesAt(i); !ready && arrives > p.ready {
				until(t.Context(), p.ready)
				f.Update([]Service{llama(pod)})
				ready = true
			}
			until(t.Context(), arrivesAt(i))
			all = append(all, f.start(prompt(fmt.Sprint(i+1), scriptedPrompt, true)))
		}
		for _, done := range all {
			w.check("status", (<-done).status, 200)
		}
		if diff := gocmp.Diff(want, inTurn(got, want)); diff != "" {
			t.Errorf("released: -simulator +gateway\n%s", diff)
		}
	})
}
