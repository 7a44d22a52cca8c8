package promise

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A saboteur spoils what is read.
type saboteur struct {
	*rand.Rand
	in    law.Input
	blind bool // a pod that should have been read was not
}

// spoil makes one fault, or none.
func (b *saboteur) spoil(w *world) {
	faults := []func(*world){
		b.unread, b.nonsense, b.reset,
		func(w *world) { b.in.Readings, b.blind = nil, w.ready() > 0 },
		func(*world) { b.in.Fleet.Pods = nil },
		func(*world) { b.in.Fleet.Pending, b.in.Fleet.Starting = b.IntN(40), b.IntN(40) },
		func(w *world) { w.without = !w.without },
		func(w *world) { w.rate = []float64{0, 1, 5, 20, 80, 1e6}[b.IntN(6)] },
		func(w *world) { w.start = []time.Duration{0, 20 * time.Second, 100 * time.Second}[b.IntN(3)] },
		func(w *world) { w.now += time.Duration(b.IntN(3600)) * time.Second },
	}
	if i := b.IntN(len(faults) + 2); i < len(faults) {
		faults[i](w)
	}
}

// unread takes away a pod's readings.
func (b *saboteur) unread(w *world) {
	if n := len(b.in.Fleet.Pods); n > 0 {
		pod := b.IntN(n)
		p := b.in.Fleet.Pods[pod]
		b.in = without(b.in, pod, []reading.Quality{reading.Absent, reading.Stale, reading.Invalid}[b.IntN(3)])
		b.blind = p.Ready && !p.Deleting && w.now-p.ChangedAt > 2*seldom
	}
}

// nonsense makes a signal unbelievable.
func (b *saboteur) nonsense(*world) {
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64}
	s := &b.in.Readings[b.IntN(len(b.in.Readings))]
	for i := range s.Pods {
		s.Pods[i].Value = odd[b.IntN(len(odd))]
	}
	for _, buckets := range s.Buckets {
		for i := range buckets {
			buckets[i] = odd[b.IntN(len(odd))]
		}
	}
}

// reset lets a pod's counters begin anew.
func (b *saboteur) reset(w *world) {
	if n := len(w.pods); n > 0 {
		p := w.pods[b.IntN(n)]
		p.ended, p.gaps, p.seconds, p.running = 0, 0, 0, 0
	}
}

// INV-1 to INV-4 (reference P1, P2, P4, P5), whatever is read: bounds, no fewer when blind,
// no fewer for more that is held, and the same decision twice, also after the state was
// written down.
func FuzzStep(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed, uint8(seed), seed%3 == 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, most uint8, toZero bool) {
		b := &saboteur{Rand: rand.New(rand.NewPCG(seed, 14))}
		l := exampleLaw()
		l.Max, l.Min = int(most%40), 1
		if toZero {
			l.Min = 0
		}
		w := newWorld(1 + b.IntN(6))
		w.rate = float64(b.IntN(40))
		var s law.State
		n := len(w.pods)
		for range 300 {
			w.pass()
			b.in, b.blind = w.input(l.Needs(), n), false
			b.spoil(w)
			b.check(t, l, s)
			var out law.Output
			s, out = l.Step(s, b.in)
			n = min(out.Replicas, 60)
			w.scale(n)
		}
	})
}

// check is of one step from a state.
func (b *saboteur) check(t *testing.T, l Law, s law.State) {
	t.Helper()
	in := b.in
	next, out := l.Step(s, in)
	if out.Replicas != l.Clamp(out.Replicas) || out.Next <= in.Now {
		t.Fatalf("at %v: Step() = %d replicas, next at %v, want within %+v and later", in.Now, out.Replicas, out.Next, l.Bounds)
	}
	if b.blind && out.Replicas < min(in.Fleet.Desired, l.Most()) {
		t.Fatalf("at %v: Step() = %d replicas, blind, want %d: %v", in.Now, out.Replicas, in.Fleet.Desired, out.Reasons)
	}
	_, again := l.Step(s, in)
	if d := cmp.Diff(out, again); d != "" {
		t.Fatalf("at %v: two steps from one state differ:\n%s", in.Now, d)
	}
	b.more(t, l, s, out)
	if b.IntN(20) == 0 {
		written(t, l, next, in)
	}
}

// more is a step with more that is held.
func (b *saboteur) more(t *testing.T, l Law, s law.State, out law.Output) {
	t.Helper()
	if b.in.Demand.Gateways == 0 {
		return
	}
	more := b.in
	more.Demand.Held += 1 + b.IntN(50)
	if _, with := l.Step(s, more); with.Replicas < out.Replicas {
		t.Fatalf("at %v: Step() = %d replicas for %d more held, want %d", b.in.Now, with.Replicas, more.Demand.Held-b.in.Demand.Held, out.Replicas)
	}
}

// written is a step from a state that was written down.
func written(t *testing.T, l Law, next law.State, in law.Input) {
	t.Helper()
	text, err := json.Marshal(next)
	if err != nil {
		t.Fatalf("writing the state: %v", err)
	}
	var read State
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatalf("reading the state: %v", err)
	}
	if len(text) > 64<<10 {
		t.Fatalf("the state takes %d bytes", len(text))
	}
	in.Now += worldEvery
	_, want := l.Step(next, in)
	if _, got := l.Step(read, in); !cmp.Equal(want, got) {
		t.Fatalf("at %v: Step() = %v from what was read, want %v", in.Now, got, want)
	}
}

// INV-1 (P4): more arrivals never ask for fewer, other things equal.
func FuzzMoreArrivals(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 15))
		w, l := newWorld(1+r.IntN(6)), exampleLaw()
		w.rate = float64(1 + r.IntN(30))
		s, n := w.play(l, nil, len(w.pods), time.Duration(5+r.IntN(60))*time.Minute)
		for range 40 {
			if r.IntN(8) == 0 {
				w.rate *= 0.5 + r.Float64()*1.5
			}
			w.pass()
			in := w.input(l.Needs(), n)
			next, out := l.Step(s, in)
			more := in
			more.Readings = slices.Clone(in.Readings)
			for i := range more.Readings {
				if e := &more.Readings[i]; e.Signal == reading.Waiting {
					e.Pods = slices.Clone(e.Pods)
					for k := range e.Pods {
						e.Pods[k].Value += float64(1 + r.IntN(20))
					}
				}
			}
			if _, with := l.Step(s, more); with.Replicas < out.Replicas {
				t.Fatalf("at %v: Step() = %d replicas with more waiting, want %d", w.now, with.Replicas, out.Replicas)
			}
			s, n = next, out.Replicas
			w.scale(n)
		}
	})
}
