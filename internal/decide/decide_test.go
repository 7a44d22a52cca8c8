package decide

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/reading"
)

func wake() *guard.Wake {
	return &guard.Wake{
		PerReplica: 4, Quiet: 5 * time.Second, Place: time.Minute,
		Patience: guard.Patience{Ready: 2 * time.Minute, Crashing: time.Minute, BackOff: 5 * time.Minute, MostBackOff: time.Hour},
	}
}

// A sleeper is a run of a service between 0 and 8 replicas that a ScaledObject scales on
// its running requests and that may be woken.
type sleeper struct {
	policy Policy
	state  State
	in     Input
	got    Decision
}

func newSleeper() *sleeper {
	k := keda.Law{Triggers: []keda.Trigger{{Signal: reading.Running, Target: hpa.AverageValue, Threshold: 4, KeepNull: true}}}.Defaults()
	k.Max = 8
	return &sleeper{policy: Policy{Law: k, Bounds: law.Bounds{Max: 8}, Wake: wake()}}
}

func (s *sleeper) step(at time.Duration, held int, idle time.Duration) {
	s.in.Now, s.in.Demand = at, demand.Demand{Work: demand.Work{Held: held}, Idle: idle}
	s.state, s.got = Step(s.policy, s.state, s.in)
	s.in.Fleet.Desired, s.in.Fleet.Ready = s.got.Replicas, s.got.Replicas
}

// At zero there is no series to read; while the three replicas start there is none
// either.
func TestWakeWorkedExample(t *testing.T) {
	s := newSleeper()
	for _, c := range []struct {
		at, idle time.Duration // seconds
		held     int
		running  float64 // no reading if negative
		replicas int
		floor    int
		next     time.Duration // at the latest
	}{
		{0, 0, 0, -1, 0, 0, 15}, {12, 0, 9, -1, 3, 3, 17}, {15, 0, 9, -1, 3, 3, 20}, {60, 0, 9, -1, 3, 3, 65}, {95, 0, 9, -1, 3, 3, 100},
		{99, 4, 0, 9, 3, 3, 100}, {100, 5, 0, 9, 3, 0, 130}, {110, 15, 0, 0, 3, 0, 140}, {400, 305, 0, 0, 0, 0, 430},
	} {
		if c.running >= 0 {
			s.in.Readings.Add(reading.Running).Total = reading.New(c.running, c.at*time.Second)
		}
		s.step(c.at*time.Second, c.held, c.idle*time.Second)
		if s.got.Replicas != c.replicas || s.got.Floor != c.floor || s.got.Next > c.next*time.Second || !s.got.On.Has(FirstHeld) {
			t.Errorf("at %d s with %d held: %+v, want %d replicas, a floor of %d and a step by %d s", c.at, c.held, s.got, c.replicas, c.floor, c.next)
		}
	}
}

// A law that knows no floor is raised to it, and the policy's bounds are above both.
// What a wake that fails asked for is given back, of whatever law, and is not asked for
// before the back-off is over, however much is held.
func TestFailedWake(t *testing.T) {
	s := newSleeper()
	for _, c := range []struct {
		at       time.Duration // seconds
		crashing bool
		replicas int
		rule     law.Rule
	}{
		{0, false, 3, law.RuleUnset}, {59, true, 3, law.RuleUnset}, {60, true, 0, law.RuleParked}, {300, false, 0, law.RuleUnset},
		{360, false, 3, law.RuleUnset}, {479, false, 3, law.RuleUnset}, {480, false, 0, law.RuleParked},
	} {
		s.in.Fleet.Crashing = c.crashing
		s.step(c.at*time.Second, 9, 0)
		s.in.Fleet.Ready = 0
		if s.got.Replicas != c.replicas {
			t.Errorf("at %d s: Step() = %+v, want %d replicas", c.at, s.got, c.replicas)
		}
		if c.rule != law.RuleUnset && s.got.Reasons[len(s.got.Reasons)-1].Rule != c.rule {
			t.Errorf("at %d s: the last reason is %v, want %v", c.at, s.got.Reasons, c.rule)
		}
	}
}

// No more is asked for than nodes take.
func TestUnplaced(t *testing.T) {
	s := newSleeper()
	s.step(0, 32, 0)
	s.in.Fleet = law.Fleet{Desired: 8, Pending: 6, Starting: 2}
	for range 6 {
		s.in.Fleet.Pods = append(s.in.Fleet.Pods, law.Pod{Phase: law.PodPending})
	}
	if s.step(59*time.Second, 32, 0); s.got.Floor != 8 {
		t.Errorf("after 59 s without a node: Step() = %+v, want a floor of 8", s.got)
	}
	s.in.Fleet.Desired, s.in.Fleet.Ready = 8, 0
	if s.step(61*time.Second, 32, 0); s.got.Floor != 2 {
		t.Errorf("after 61 s without a node: Step() = %+v, want a floor of 2", s.got)
	}
}

func TestFloorOfAnyLaw(t *testing.T) {
	p := Policy{Law: reference.Static{N: 0}, Bounds: law.Bounds{Max: 2}, Wake: wake()}
	_, got := Step(p, State{}, Input{Demand: demand.Demand{Work: demand.Work{Held: 6}}})
	if got.Replicas != 2 || got.Floor != 2 || len(got.Reasons) != 1 || got.Reasons[0].Rule != law.RuleFloor {
		t.Errorf("%+v, want the 2 of the held requests", got)
	}
	p = Policy{Law: reference.Static{N: 5}, Bounds: law.Bounds{Min: 1, Max: 3}}
	if _, got = Step(p, State{}, Input{}); got.Replicas != 3 || len(got.Reasons) != 2 || got.Reasons[1].Rule != law.RuleMaximum {
		t.Errorf("%+v, want the 3 of the maximum", got)
	}
}

// Without a law of its own a policy leaves the replicas to the cluster, and asks for a
// floor.
func TestNoLaw(t *testing.T) {
	in := Input{Demand: demand.Demand{Work: demand.Work{Held: 9}}}
	_, got := Step(Policy{Bounds: law.Bounds{Max: 8}, Wake: wake()}, State{}, in)
	if diff := cmp.Diff(Decision{Floor: 3, Next: 5 * time.Second, On: FirstHeld}, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}

// The state of another law is from scratch, and the first reason says so.
func TestForeignState(t *testing.T) {
	one, other := Policy{Law: hpa.Law{}.Defaults()}, Policy{Law: keda.Law{}.Defaults()}
	in := Input{Now: time.Minute, Fleet: law.Fleet{Desired: 1}}
	state, _ := Step(one, State{}, in)
	_, want := Step(other, State{}, in)
	_, got := Step(other, state, in)
	if len(got.Reasons) == 0 || got.Reasons[0].Rule != law.RuleScratch {
		t.Fatalf("%+v does not say that it begins from scratch", got)
	}
	got.Reasons = got.Reasons[1:]
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("with another law's state: -want +got\n%s", diff)
	}
}

// bits compares numbers to the last bit, but any NaN is equal to any.
var bits = cmp.Comparer(func(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
})

// readBack is what a value is written down as, read again.
func readBack[T any](t *testing.T, v T) T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	var again T
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if diff := cmp.Diff(v, again, bits, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s is read as something else: %s", text, diff)
	}
	return again
}

func anyInput(r *rand.Rand, needs []reading.Signal, now time.Duration, desired int) Input {
	numbers := []float64{0, 1, 0.5, 20, 300, -1, math.NaN(), math.Inf(1), math.MaxFloat64, 1.0 / 3}
	one := func() reading.Reading {
		return reading.Reading{Value: numbers[r.IntN(len(numbers))], At: now - time.Duration(r.IntN(1e9)), Quality: reading.Quality(r.IntN(5))}
	}
	in := Input{Now: now, Fleet: law.Fleet{Desired: desired, Starting: r.IntN(2), Ready: r.IntN(6)}}
	in.Demand = demand.Demand{Work: demand.Work{Held: max(0, r.IntN(20)-10)}, Gateways: 1, Idle: time.Duration(r.IntN(9)) * time.Second}
	for range r.IntN(6) {
		in.Fleet.Pods = append(in.Fleet.Pods, law.Pod{Phase: law.Phase(r.IntN(4)), Ready: r.IntN(3) > 0, StartedAt: now / 2, ChangedAt: now / 2})
	}
	for _, signal := range needs {
		s := in.Readings.Add(signal)
		s.Total = one()
		for range in.Fleet.Pods {
			s.Pods = append(s.Pods, one())
		}
	}
	return in
}

// INV-1 to INV-4, of a policy of any law.
func FuzzStep(f *testing.F) {
	specs := catalog.Specs()
	for seed := range 2 * uint64(len(specs)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		made, err := specs[seed%uint64(len(specs))].Make("", nil)
		if err != nil {
			t.Fatal(err)
		}
		p := Policy{Law: made.Law, Phase: time.Duration(r.IntN(15)) * time.Second, Bounds: law.Bounds{Min: r.IntN(3), Max: r.IntN(9)}}
		if r.IntN(2) == 0 {
			p.Wake = wake()
		}
		p.Settle = time.Duration(r.IntN(3)) * time.Minute
		state, now, desired := State{}, time.Duration(0), r.IntN(4)
		for range 40 {
			in := anyInput(r, p.Law.Needs(), now, desired)
			next, d := Step(p, state, in)
			if _, again := Step(p, state, in); !cmp.Equal(d, again, bits) {
				t.Fatalf("Step changed what it was given: %s", cmp.Diff(d, again, bits))
			}
			nextToo, dToo := Step(readBack(t, p), readBack(t, state), readBack(t, in))
			if diff := cmp.Diff(d, dToo, bits, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("read back, Step decides otherwise: %s", diff)
			}
			if diff := cmp.Diff(next, nextToo, bits, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("read back, Step remembers otherwise: %s", diff)
			}
			written := d
			written.Counted = law.Counted{}
			checkDecision(t, p, in, readBack(t, written))
			state, now, desired = next, d.Next, d.Replicas
		}
	})
}

func checkDecision(t *testing.T, p Policy, in Input, d Decision) {
	t.Helper()
	n := in.Fleet.Desired
	for _, r := range d.Reasons {
		if to, ok := r.Recompute(); r.From != n || to != r.To || !ok {
			t.Fatalf("%+v after %d recomputes to %d, %v", r, n, to, ok)
		}
		n = r.To
	}
	if n != d.Replicas || d.Next <= in.Now || p.Bounds.Clamp(d.Replicas) != d.Replicas {
		t.Fatalf("at %v, within %v and from %d: %+v", in.Now, p.Bounds, in.Fleet.Desired, d)
	}
}

// INV-9.
func TestSettle(t *testing.T) {
	p := Policy{Law: reference.Static{N: 2}, Bounds: law.Bounds{Max: 8}, Settle: 5 * time.Minute}
	in, state := Input{Now: time.Hour, Fleet: law.Fleet{Desired: 6}}, State{}
	for _, c := range []struct {
		after        time.Duration
		most, want   int
		lastlyActing law.Rule
	}{
		{0, 8, 6, law.RuleSettle}, {time.Minute, 4, 4, law.RuleMaximum}, {5*time.Minute - 1, 8, 6, law.RuleSettle}, {5 * time.Minute, 8, 2, law.RuleStatic},
	} {
		in.Now, p.Bounds.Max = time.Hour+c.after, c.most
		var d Decision
		if state, d = Step(p, readBack(t, state), in); d.Replicas != c.want || d.Reasons[len(d.Reasons)-1].Rule != c.lastlyActing {
			t.Errorf("after %v: %+v, want %d by %v", c.after, d, c.want, c.lastlyActing)
		}
	}
	raise := Policy{Law: reference.Static{N: 7}, Bounds: law.Bounds{Max: 8}, Settle: time.Minute}
	if _, d := Step(raise, State{}, in); d.Replicas != 7 {
		t.Errorf("a raise at first: %+v, want 7", d)
	}
}

// INV-2.
func TestVersions(t *testing.T) {
	for what, into := range map[string]any{"a policy": &Policy{}, "a state": &State{}, "an input": &Input{}, "a decision": &Decision{}} {
		for _, text := range []string{`{}`, `{"Version":2}`} {
			if err := json.Unmarshal([]byte(text), into); err == nil || !strings.Contains(err.Error(), "reading "+what+": version") {
				t.Errorf("%s as %s: %v", text, what, err)
			}
		}
	}
	for _, text := range []string{`{"Version":1,"Law":{"Name":"hpx","Value":{}}}`, `{"Version":1,"Law":{"Name":"hpa","Value":7}}`} {
		if err := json.Unmarshal([]byte(text), &Policy{}); err == nil {
			t.Errorf("%s is read as a policy", text)
		}
		if err := json.Unmarshal([]byte(text), &State{}); err == nil {
			t.Errorf("%s is read as a state", text)
		}
	}
	readBack(t, State{})
	readBack(t, Policy{Law: law.Delegated{}, Queries: []string{"sum(up)"}, Wake: wake()})
}

// A tick of one service: eight pods, KEDA and its HPA, and a wake.
func BenchmarkStep(b *testing.B) {
	s := newSleeper()
	for range 8 {
		s.in.Fleet.Pods = append(s.in.Fleet.Pods, law.Pod{Phase: law.PodRunning, Ready: true})
	}
	s.in.Readings.Add(reading.Running).Total = reading.New(32, 0)
	s.in.Fleet.Desired, s.in.Fleet.Ready = 8, 8
	b.ReportAllocs()
	for b.Loop() {
		s.state, s.got = Step(s.policy, s.state, s.in)
		s.in.Now = s.got.Next
	}
}
