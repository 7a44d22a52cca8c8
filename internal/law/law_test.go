package law

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flyball.dev/flyball/internal/reading"
)

// A sample is a law between 1 and 8 replicas for the properties below. A law that is
// blind asks for fewer without readings, and its comment says so.
type sample struct {
	name  string
	law   Law
	blind bool
}

func samples() []sample {
	h := HPAConfig{}.Defaults()
	h.Bounds, h.Behavior = Bounds{1, 8}, &Behavior{h.DefaultUp(), h.DefaultDown()}
	h.Metrics = []HPAMetric{
		{Kind: External, Series: "a", Goal: 3},
		{Kind: CPU, Target: Utilization, Series: "b", Goal: 80, Request: 1},
	}
	plain := h
	plain.Behavior, plain.Metrics = nil, []HPAMetric{{Kind: External, Target: Value, Series: "a", Goal: 3}}
	k := KEDAConfig{Triggers: []Trigger{{Series: "a", Threshold: 3, Name: "a"}, {Series: "b", Threshold: 1, Name: "b"}}}.Defaults()
	k.Max, k.Fallback = 8, &Fallback{Failures: 2, Replicas: 4, Behavior: FallbackCurrentIfHigher}
	formula := k
	formula.Modifiers = &Modifiers{Target: 2, Formula: func(v map[string]float64) (float64, bool) { return v["a"] / v["b"], true }}
	return []sample{
		{"static", Static{5}, true},
		{"oracle", Oracle{OracleConfig: OracleConfig{Bounds: Bounds{1, 8}, ColdStart: time.Minute, Needed: []Level{{0, 3}, {time.Hour, 7}}}}, true},
		{"hpa", HPA{HPAConfig: h}, false},
		{"hpa without behavior", HPA{HPAConfig: plain}, false},
		{"keda", NewKEDA(k), true},
		{"keda with a formula", NewKEDA(formula), true},
	}
}

// number is anything that a metric may turn out to be.
func number(r *rand.Rand) reading.Reading {
	at := time.Duration(r.Int64N(int64(time.Hour)))
	switch r.IntN(8) {
	case 0:
		return reading.Reading{At: at, Quality: reading.Quality(r.IntN(6))}
	case 1:
		return reading.New([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, 1e-300}[r.IntN(6)], at)
	case 2:
		return reading.New(0, at)
	default:
		return reading.New(r.ExpFloat64()*20, at)
	}
}

func anything(r *rand.Rand, names []string, now time.Duration, desired int) Input {
	in := Input{Now: now, Desired: desired, Readings: map[string]Series{}}
	in.Fleet = Fleet{Pending: r.IntN(3), Starting: r.IntN(3), Ready: r.IntN(9), Draining: r.IntN(2)}
	for range r.IntN(9) {
		in.Pods = append(in.Pods, Pod{
			Phase: Phase(r.IntN(4)), Ready: r.IntN(3) > 0, Deleting: r.IntN(8) == 0,
			StartedAt: time.Duration(r.Int64N(int64(now + 1))), ChangedAt: time.Duration(r.Int64N(int64(now + 1))),
		})
	}
	for _, name := range names {
		s := Series{Total: number(r)}
		for range r.IntN(len(in.Pods) + 2) {
			s.Pods = append(s.Pods, number(r))
		}
		in.Readings[name] = s
	}
	return in
}

func copied(in Input) Input {
	out := in
	out.Pods = append([]Pod(nil), in.Pods...)
	out.Readings = map[string]Series{}
	for name, s := range in.Readings {
		out.Readings[name] = Series{s.Total, append([]reading.Reading(nil), s.Pods...)}
	}
	return out
}

// INV-1, INV-2 and INV-4, whatever is seen.
func TestEveryLawOnAnything(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 40 {
				l, now, desired := s.law, time.Duration(0), 1+r.IntN(8)
				for range 60 {
					in := anything(r, s.law.Needs(), now, desired)
					next, out := stepTwice(t, l, in)
					checkOutput(t, in, out)
					l, now, desired = next, out.Next, out.Replicas
				}
			}
		})
	}
}

func stepTwice(t *testing.T, l Law, in Input) (Law, Output) {
	t.Helper()
	before := copied(in)
	next, out := l.Step(in)
	_, again := l.Step(in)
	if d := cmp.Diff(out, again); d != "" {
		t.Fatalf("Step changed the law it was called on: %s", d)
	}
	if !sameInput(before, in) {
		t.Fatal("Step changed its input")
	}
	return next, out
}

func checkOutput(t *testing.T, in Input, out Output) {
	t.Helper()
	if out.Replicas < 0 || out.Replicas > 8 {
		t.Fatalf("Step(%+v) = %+v, want 0 to 8 replicas", in, out)
	}
	if out.Next <= in.Now {
		t.Fatalf("at %v the next step is at %v", in.Now, out.Next)
	}
	n := in.Desired
	for _, r := range out.Reasons {
		if r.From != n {
			t.Fatalf("reasons %v do not lead from %d to %d", out.Reasons, in.Desired, out.Replicas)
		}
		n = r.To
	}
	if n != out.Replicas {
		t.Fatalf("reasons %v do not lead from %d to %d", out.Reasons, in.Desired, out.Replicas)
	}
}

func sameInput(a, b Input) bool {
	bits := cmp.Comparer(func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
	return cmp.Equal(a.Pods, b.Pods) && cmp.Equal(a.Readings, b.Readings, bits)
}

// INV-3.
func TestNoLawScalesInBlind(t *testing.T) {
	for _, s := range samples() {
		if s.blind {
			continue
		}
		l, now := s.law, time.Duration(0)
		for range 400 {
			var out Output
			in := see(now, 5, nil)
			l, out = l.Step(in)
			if out.Replicas < 5 {
				t.Errorf("%s: without readings %+v, want at least 5", s.name, out)
				break
			}
			now = out.Next
		}
	}
}
