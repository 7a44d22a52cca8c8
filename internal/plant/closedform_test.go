package plant

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A workloadCase is an engine and what is done to it.
type workloadCase struct {
	config Config
	calls  []call
}

// A call submits a request, or aborts the one with that ID, or just looks.
type call struct {
	at     time.Duration
	submit *Request
	abort  ID
}

// randomCase draws an engine, from roomy to starved, and what happens to it.
func randomCase(r *rand.Rand) workloadCase {
	between := func(low, high int) int { return low + r.IntN(high-low+1) }
	c := Config{
		Cost: StepCost{
			AlphaDMillis: 1 + 20*r.Float64(), DeltaDMicros: 50 * r.Float64(), GammaDNanos: 500 * r.Float64(),
			AlphaMMillis: 10 * r.Float64(), BetaMicros: 100 * r.Float64(),
			DeltaMMicros: 50 * r.Float64(), GammaMNanos: 500 * r.Float64(), QNanos: 5 * r.Float64(), HostMicros: 20 * r.Float64(),
		},
		BlockTokens: []int{1, 4, 16}[r.IntN(3)], MaxModelLen: between(50, 600), MaxNumSeqs: between(1, 24),
		PrefixCaching: r.IntN(3) > 0, AsyncScheduling: r.IntN(3) > 0,
	}
	if r.IntN(2) == 0 {
		c.FrontEnd, c.FrontEndPerSequence = time.Duration(r.IntN(4e6)), time.Duration(r.IntN(2e5))
	}
	c.MaxNumBatchedTokens = c.MaxNumSeqs + between(0, 300)
	c.KVTokens = c.BlockTokens * (c.blocksFor(c.MaxModelLen) + between(0, 200))
	w := workloadCase{config: c}
	gap := time.Duration(1+r.IntN(80)) * time.Millisecond
	var at time.Duration
	for id := range ID(between(5, 60)) {
		at += time.Duration(r.ExpFloat64() * float64(gap))
		q := &Request{ID: id, PromptTokens: between(1, c.MaxModelLen-1), MaxTokens: between(1, 200)}
		if r.IntN(2) == 0 {
			q.PromptTokens = between(1, min(c.MaxModelLen-1, 60))
		}
		if r.IntN(2) == 0 {
			q.NaturalTokens = between(1, 150)
		}
		if r.IntN(3) > 0 { // one of three families of prompts, of which a part is shared
			family, shared := uint64(1+r.IntN(3)), r.IntN(40)
			for b := range q.PromptTokens / c.BlockTokens {
				h := family<<32 | uint64(b+1)
				if b >= shared {
					h |= uint64(id+1) << 40
				}
				q.BlockHashes = append(q.BlockHashes, h)
			}
		}
		w.calls = append(w.calls, call{at: at, submit: q})
		if r.IntN(8) == 0 {
			w.calls = append(w.calls, call{at: at + time.Duration(r.ExpFloat64()*3e8), abort: id})
		}
	}
	slices.SortStableFunc(w.calls, func(a, b call) int { return int(a.at - b.at) })
	return w
}

// A seen is all that a run lets see.
type seen struct {
	Finished []Finished
	Tokens   []Token
	Loads    []Load
	Meter    Meter
}

// A machine is an engine that can be played on.
type machine interface {
	Submit(time.Duration, Request) error
	Abort(time.Duration, ID) (Finished, bool)
	Load() Load
}

// play does the calls; advance lets the machine run up to a time.
func (w workloadCase) play(t *testing.T, m machine, s *seen, advance func(time.Duration)) {
	t.Helper()
	for _, c := range w.calls {
		advance(c.at)
		if c.submit != nil {
			if err := m.Submit(c.at, *c.submit); err != nil {
				t.Fatal(err)
			}
		} else if f, ok := m.Abort(c.at, c.abort); ok {
			s.Finished = append(s.Finished, f)
		}
		s.Loads = append(s.Loads, m.Load())
	}
	advance(Never - 1)
	s.Loads = append(s.Loads, m.Load())
}

// byOracle plays the case step by step on the reference.
func byOracle(t *testing.T, w workloadCase) seen {
	o, err := newOracle(w.config)
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	m := newMeter()
	w.play(t, o, &s, func(to time.Duration) {
		for next := time.Duration(0); next <= to; {
			began := o.began
			var ev Events
			ev, next = o.Step(to)
			for _, token := range ev.Tokens {
				m.token(token, began, o.began)
			}
			if len(ev.Tokens) > 0 {
				m.Steps++
			}
			s.Tokens = append(s.Tokens, ev.Tokens...)
			s.Finished = append(s.Finished, ev.Finished...)
			m.Preemptions += ev.Preemptions
			m.CacheQueries += ev.CacheQueries
			m.CacheHits += ev.CacheHits
		}
	})
	for _, f := range s.Finished {
		m.finished(&f)
	}
	s.Meter = m
	return s
}

// token counts one token of a step that lasted from one instant to another.
func (m *Meter) token(t Token, from, to instant) {
	gap := picos(t.Latency) * picosPerNano
	if t.Latency == to.nanos-from.nanos { // as exact as it is known
		gap += to.picos - from.picos
	}
	if t.First {
		m.first(t.PromptTokens, t.Latency)
	} else {
		m.tokens(1, gap, t.Latency)
	}
}

// byEngine plays it in jumps, from call to call (sampled) or from one event of the
// engine's to the next.
func byEngine(t *testing.T, w workloadCase, sampled bool) (s seen) {
	e := newEngine(t, w.config)
	w.play(t, e, &s, func(to time.Duration) {
		for next := e.Next(); !sampled && next <= to; next = e.Next() {
			if ended := e.Advance(next - 1); len(ended) > 0 {
				t.Fatalf("%d requests ended before %v, when Next said that none would", len(ended), next)
			}
			s.Finished = append(s.Finished, e.Advance(next)...)
		}
		s.Finished = append(s.Finished, e.Advance(to)...)
	})
	s.Meter = e.Meter().Clone(Meter{})
	return s
}

// bySteps plays it token by token.
func bySteps(t *testing.T, w workloadCase) (s seen) {
	e := newEngine(t, w.config)
	w.play(t, e, &s, func(to time.Duration) {
		for next := time.Duration(0); next <= to; {
			var ev Events
			ev, next = e.Step(to)
			s.Tokens = append(s.Tokens, ev.Tokens...)
			s.Finished = append(s.Finished, ev.Finished...)
		}
	})
	s.Meter = e.Meter().Clone(Meter{})
	return s
}

// compare holds the engine to the reference, to the nanosecond.
func compare(t *testing.T, w workloadCase) seen {
	t.Helper()
	want := byOracle(t, w)
	opts := cmp.AllowUnexported(Histogram{})
	steps := bySteps(t, w)
	if !reflect.DeepEqual(want, steps) { // which is faster than cmp
		t.Fatalf("token by token, -reference +engine:\n%s\n%+v", cmp.Diff(want, steps, opts), w.config)
	}
	want.Tokens = nil
	for _, sampled := range []bool{true, false} {
		if got := byEngine(t, w, sampled); !reflect.DeepEqual(want, got) {
			t.Fatalf("in jumps (sampled %v), -reference +engine:\n%s\n%+v", sampled, cmp.Diff(want, got, opts), w.config)
		}
	}
	want.Tokens = steps.Tokens
	return want
}

// INV-6: TestClosedForm compares the engine with the reference that goes step by step
// and block by block (oracle_test.go) on 2,000 random workloads, and says how many of
// them had what is hard.
func TestClosedForm(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	cases := 2000
	if testing.Short() {
		cases = 200
	}
	hit := map[string]int{}
	for range cases {
		w := randomCase(random)
		s := compare(t, w)
		count := func(what string, is bool) {
			if is {
				hit[what]++
			}
		}
		some := func(is func(Finished) bool) bool { return slices.ContainsFunc(s.Finished, is) }
		count("preemption", s.Meter.Preemptions > 0)
		count("prefix hit", s.Meter.CacheHits > 0)
		count("chunked prompt", some(func(f Finished) bool { return f.PromptTokens-f.CachedTokens > w.config.MaxNumBatchedTokens }))
		count("abort in flight", some(func(f Finished) bool { return f.Outcome == Aborted && f.Generated > 0 }))
		count("stop by itself", s.Meter.Ended[Stop] > 0)
		count("asynchronous", w.config.AsyncScheduling)
		count("asynchronous preemption", w.config.AsyncScheduling && s.Meter.Preemptions > 0)
		count("full batch", some(func(f Finished) bool { return f.Admitted > f.Queued+time.Second }))
		count("token", len(s.Tokens) > 0)
	}
	for _, what := range slices.Sorted(maps.Keys(hit)) {
		t.Logf("%5d of %d cases: %s", hit[what], cases, what)
		if hit[what] < cases/20 {
			t.Errorf("%s in %d of %d cases only", what, hit[what], cases)
		}
	}
}

// FuzzClosedForm does the same on seeds of the fuzzer's.
func FuzzClosedForm(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { compare(t, randomCase(rand.New(rand.NewPCG(a, b)))) })
}
