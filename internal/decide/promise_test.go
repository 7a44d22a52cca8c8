package decide

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

// promised is a policy of Flyball's own law, with which the properties of
// reference/faults-and-security.md are tested.
func promised(least, most int) Policy {
	return Policy{
		Law: promise.Law{
			Bounds: law.Bounds{Min: least, Max: most}, Promise: 0.95, TTFT: time.Second, TPOT: 100 * time.Millisecond,
			Prior: capacity.Known(capacity.Costs{Step: 0.02, Prompt: 1e-6, Sequence: 800e-6, Context: 1e-9}),
		},
		Bounds: law.Bounds{Min: least, Max: most},
	}
}

// see is what a policy sees of a world.
func see(w *lawtest.World, p Policy, desired int) Input {
	in := w.Input(p.Law.Needs(), desired)
	return Input{Now: in.Now, Readings: in.Readings, Fleet: in.Fleet, Demand: in.Demand}
}

// play steps a policy for a time; the world does as it asks.
func play(w *lawtest.World, p Policy, s State, desired int, until time.Duration) (State, int) {
	for w.Now < until {
		w.Pass()
		var d Decision
		s, d = Step(p, s, see(w, p, desired))
		desired = d.Replicas
		w.Scale(desired)
	}
	return s, desired
}

// A saboteur spoils what is seen.
type saboteur struct {
	*rand.Rand
	in    Input
	blind bool // a pod that should have been read was not, or what was read contradicts itself
}

// spoil makes one fault, or none.
func (b *saboteur) spoil(w *lawtest.World) {
	faults := []func(*lawtest.World){
		b.unread, b.nonsense, b.twice,
		func(w *lawtest.World) {
			if n := len(w.Servers); n > 0 {
				w.Servers[b.IntN(n)].Reset()
			}
		},
		func(w *lawtest.World) { b.in.Readings, b.blind = nil, w.Ready() > 0 },
		func(w *lawtest.World) { b.in.Fleet.Pods, b.blind = nil, w.Ready() > 0 },
		func(w *lawtest.World) { b.in.Demand.Gateways, b.in.Demand.InFlight, b.blind = 1, math.MaxInt32, true },
		func(*lawtest.World) { b.in.Fleet.Pending, b.in.Fleet.Starting = b.IntN(40), b.IntN(40) },
		func(w *lawtest.World) { w.Without = !w.Without },
		func(w *lawtest.World) { w.Rate = []float64{0, 1, 5, 20, 80, 1e6}[b.IntN(6)] },
		func(w *lawtest.World) { w.Start = []time.Duration{0, 20 * time.Second, 100 * time.Second}[b.IntN(3)] },
		func(w *lawtest.World) { w.Now += time.Duration(b.IntN(3600)) * time.Second },
	}
	if i := b.IntN(len(faults) + 2); i < len(faults) {
		faults[i](w)
	}
}

// long is after how long a ready pod should have been read, whatever the interval.
const long = 4 * time.Minute

// unread takes away a pod's readings.
func (b *saboteur) unread(w *lawtest.World) {
	if n := len(b.in.Fleet.Pods); n > 0 {
		pod := b.IntN(n)
		p := b.in.Fleet.Pods[pod]
		spoilt := lawtest.Spoilt(law.Input{Readings: b.in.Readings}, pod, []reading.Quality{reading.Absent, reading.Stale, reading.Invalid}[b.IntN(3)])
		b.in.Readings = spoilt.Readings
		b.blind = p.Ready && !p.Deleting && w.Now-p.ChangedAt > long
	}
}

// nonsense makes a signal unbelievable.
func (b *saboteur) nonsense(*lawtest.World) {
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

// twice is a fleet that counts more ready pods than it lists.
func (b *saboteur) twice(*lawtest.World) {
	b.in.Fleet.Ready += 1 + b.IntN(5)
	b.blind = true
}

// P1, P2, P4 and P5 of the reference (INV-2, INV-5, INV-6 and INV-7), whatever is read: no fewer when
// blind or contradicted, bounds, no fewer for more that is held, and the same decision
// twice, also after everything was written down.
func FuzzFaults(f *testing.F) {
	for seed := range uint64(36) {
		f.Add(seed, uint8(seed), seed%3 == 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, most uint8, wakes bool) {
		b := &saboteur{Rand: rand.New(rand.NewPCG(seed, 14))}
		p := promised(1, int(most%40))
		if wakes {
			p = promised(0, int(most%40))
			p.Wake = wake()
		}
		w := lawtest.NewWorld(1 + b.IntN(6))
		w.Rate = float64(b.IntN(40))
		var s State
		n := len(w.Servers)
		for range 100 { // a fuzzer ends what takes ten seconds, with all that it measures
			w.Pass()
			b.in, b.blind = see(w, p, n), false
			b.spoil(w)
			next, d := b.check(t, p, s)
			s, n = next, min(d.Replicas, 60)
			w.Scale(n)
		}
	})
}

// check is of one step from a state.
func (b *saboteur) check(t *testing.T, p Policy, s State) (State, Decision) {
	t.Helper()
	in := b.in
	next, d := Step(p, s, in)
	if d.Replicas != p.Bounds.Clamp(d.Replicas) || d.Next <= in.Now {
		t.Fatalf("at %v: Step() = %d replicas, next at %v, want within %+v and later", in.Now, d.Replicas, d.Next, p.Bounds)
	}
	if b.blind && d.Replicas < min(in.Fleet.Desired, p.Bounds.Most()) {
		t.Fatalf("at %v: Step() = %d replicas, blind, want %d: %v", in.Now, d.Replicas, in.Fleet.Desired, d.Reasons)
	}
	if _, again := Step(p, s, in); !cmp.Equal(d, again, bits) {
		t.Fatalf("at %v: two steps from one state differ:\n%s", in.Now, cmp.Diff(d, again, bits))
	}
	if in.Demand.Gateways > 0 {
		more := in
		more.Demand.Held += 1 + b.IntN(50)
		if _, with := Step(p, s, more); with.Replicas < d.Replicas {
			t.Fatalf("at %v: Step() = %d replicas for %d held, want the %d for %d", in.Now, with.Replicas, more.Demand.Held, d.Replicas, in.Demand.Held)
		}
	}
	if b.IntN(20) == 0 {
		written(t, p, next, in)
	}
	return next, d
}

// written is a step from a state that was written down, which is not long.
func written(t *testing.T, p Policy, next State, in Input) {
	t.Helper()
	text, err := json.Marshal(next)
	if err != nil {
		t.Fatalf("writing the state: %v", err)
	}
	if len(text) > 64<<10 {
		t.Fatalf("the state takes %d bytes, want 64 KiB at most", len(text))
	}
	in.Now += lawtest.Every
	_, want := Step(p, next, in)
	_, got := Step(readBack(t, p), readBack(t, next), readBack(t, in))
	if diff := cmp.Diff(want, got, bits, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("at %v, read back, Step decides otherwise:\n%s", in.Now, diff)
	}
}

// P3 of the reference (INV-8): replicas that never become ready are asked for until what
// comes would be served, and then no further, without any maximum.
func FuzzNeverReady(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 16))
		p := promised(1, 0)
		w := lawtest.NewWorld(1 + r.IntN(4))
		w.Rate = float64(1 + r.IntN(40))
		s, n := play(w, p, State{}, len(w.Servers), time.Duration(5+r.IntN(20))*time.Minute)
		w.Start = 0 // from now on none becomes ready
		if r.IntN(2) == 0 {
			w.Servers = nil // and those that were are gone
		} else {
			w.Rate *= 1 + 3*r.Float64()
		}
		w.Scale(n)
		s, n = play(w, p, s, n, w.Now+25*time.Minute)
		if _, later := play(w, p, s, n, w.Now+2*time.Hour); later > n+1 {
			t.Fatalf("at %v/s: %d replicas that are never ready became %d", w.Rate, n, later)
		}
	})
}

// P4 of the reference (INV-7): more arrivals never ask for fewer, other things equal.
func FuzzMoreArrivals(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 15))
		w, p := lawtest.NewWorld(1+r.IntN(6)), promised(1, 20)
		w.Rate = float64(1 + r.IntN(30))
		s, n := play(w, p, State{}, len(w.Servers), time.Duration(5+r.IntN(60))*time.Minute)
		for range 40 {
			if r.IntN(8) == 0 {
				w.Rate *= 0.5 + r.Float64()*1.5
			}
			w.Pass()
			in := see(w, p, n)
			next, d := Step(p, s, in)
			if _, with := Step(p, s, busier(in, r)); with.Replicas < d.Replicas {
				t.Fatalf("at %v: Step() = %d replicas with more waiting, want %d", w.Now, with.Replicas, d.Replicas)
			}
			s, n = next, d.Replicas
			w.Scale(n)
		}
	})
}

// busier is an input with more requests that wait in every pod.
func busier(in Input, r *rand.Rand) Input {
	in.Readings = slices.Clone(in.Readings)
	for i := range in.Readings {
		if e := &in.Readings[i]; e.Signal == reading.Waiting {
			e.Pods = slices.Clone(e.Pods)
			for k := range e.Pods {
				e.Pods[k].Value += float64(1 + r.IntN(20))
			}
		}
	}
	return in
}

// A tick of Flyball's own law with eight pods, for which a service has 20 µs, an hour after
// it began: where the most is asked for and does not do, where it does, and after two weeks,
// in whose last days a period is looked for.
func BenchmarkPromise(b *testing.B) {
	const weeks = 14 * 24 * time.Hour
	b.Run("short", func(b *testing.B) { tick(b, 0, promised(8, 8)) })
	b.Run("hour", func(b *testing.B) { tick(b, 0, promised(1, 20)) })
	b.Run("weeks", func(b *testing.B) { tick(b, weeks, promised(1, 20)) })
}

// tick steps a policy through an hour of a service that has been seen for so long.
func tick(b *testing.B, seen time.Duration, p Policy) {
	b.Helper()
	w := lawtest.NewWorld(8)
	w.Rate, w.Now = 40, seen
	s, n := play(w, p, State{}, 8, seen+time.Hour)
	if own := s.Law.(promise.State); seen > 0 {
		own.Demand.History = forecast.History{}
		for at := time.Duration(0); at < w.Now; at += 20 * time.Second {
			own.Demand.History = own.Demand.History.Add(at, 10+5*math.Sin(at.Minutes()/40))
		}
		s.Law = own
	}
	w.Scale(8)
	inputs := make([]Input, 720)
	for i := range inputs {
		w.Pass()
		inputs[i] = see(w, p, n)
	}
	next := s
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i %= len(inputs); i == 0 {
			next = s
		}
		next, _ = Step(p, next, inputs[i])
	}
}
