package law

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A sample is a law between 1 and 8 replicas for the properties below.
type sample struct {
	name string
	law  Law
}

// engine serves one request per second and takes 10 ms and 0.1 ms per prompt token a step.
func engine() Engine {
	return Engine{
		MaxSeqs: 256, BatchTokens: 2048, KVTokens: 100_000,
		Best: func(Shape, time.Duration, time.Duration) float64 { return 1 },
		Step: func(prefill, kv float64) time.Duration {
			return 10*time.Millisecond + time.Duration(min(prefill*1e5+kv*1e2, 1e15))
		},
	}
}

// samples are all laws of the registry at their defaults, and some more.
func samples(t *testing.T) []sample {
	t.Helper()
	f := Facts{ColdStart: time.Minute, Phase: 7 * time.Second, Needed: func() []Level { return []Level{{0, 3}, {time.Hour, 7}} }, Engine: engine()}
	var all []sample
	texts := []string{
		"static:n=5", "hpa:kind=CPU,metric=cpu,target=80,request=1", "hpa:kind=Pods,metric=waiting", "hpa:type=Value",
		"aibrix-apa:as=intended", "aibrix-kpa:as=intended", "keda:min=0,fallback=4,behavior=currentReplicasIfHigher",
		"kpa:min=0,delay=30s", "dynamo-load:easy=latency", "ray-serve:min=0,down-delay=20s", "kthena:panic=0,up-window=60s",
		"wva-v2:min=0", "kubeai:min=0,samples=3", "skyserve:up-votes=1,down-votes=2",
	}
	for _, s := range Specs() {
		texts = append(texts, s.Name+":min=1,max=8")
	}
	for _, text := range texts {
		if text == "static:min=1,max=8" {
			continue
		}
		l, _, err := New(text, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{text, l})
	}
	c := KEDAConfig{Triggers: []Trigger{{Signal: reading.Query(0), Threshold: 3, Name: "a"}, {Signal: reading.Query(1), Threshold: 1, Name: "b", Cached: true}}}.Defaults()
	c.Max, c.Fallback = 8, &Fallback{Failures: 2, Replicas: 4, Behavior: FallbackModifiers}
	c.Modifiers = &Modifiers{Target: 2, Formula: func(v map[string]float64) (float64, bool) { return v["a"] / v["b"], true }}
	plain := HPAConfig{Metrics: []HPAMetric{{Kind: External, Signal: reading.Query(0), Goal: 3}, {Kind: PerPod, Signal: reading.Query(1), Goal: 3}}}.Defaults()
	plain.Bounds = Bounds{1, 8}
	return append(all, sample{"keda with a formula", NewKEDA(c)}, sample{"hpa without behavior", HPA{HPAConfig: plain}})
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

func anything(r *rand.Rand, needs []reading.Signal, now time.Duration, desired int) Input {
	in := Input{Now: now, Desired: desired}
	in.Fleet = Fleet{Pending: r.IntN(3), Starting: r.IntN(3), Ready: r.IntN(9), Draining: r.IntN(2)}
	for range r.IntN(9) {
		in.Pods = append(in.Pods, Pod{
			Phase: Phase(r.IntN(4)), Ready: r.IntN(3) > 0, Deleting: r.IntN(8) == 0,
			StartedAt: time.Duration(r.Int64N(int64(now + 1))), ChangedAt: time.Duration(r.Int64N(int64(now + 1))),
		})
	}
	for _, signal := range needs {
		s := in.Readings.Add(signal)
		s.Total = number(r)
		for range r.IntN(len(in.Pods) + 2) {
			s.Pods = append(s.Pods, number(r))
		}
	}
	return in
}

func copied(in Input) Input {
	out := in
	out.Pods = append([]Pod(nil), in.Pods...)
	out.Readings = slices.Clone(in.Readings)
	for i := range out.Readings {
		out.Readings[i].Pods = slices.Clone(out.Readings[i].Pods)
	}
	return out
}

// INV-1, INV-2 and INV-4, whatever is seen.
func TestEveryLawOnAnything(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 12 {
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

// INV-3. What an empty answer means to KEDA, and no traffic to llm-d's rules, is 0:
// the laws that say so ask for fewer.
func TestNoLawScalesInBlind(t *testing.T) {
	for _, s := range samples(t) {
		name, _, _ := strings.Cut(s.name, ":")
		switch name {
		case "static", "oracle", "keda", "keda with a formula", "llmd-queue", "llmd-slo", "llmd-tokens", "production-stack":
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

// BenchmarkStep is one decision about 8 pods, its inputs made beforehand.
func BenchmarkStep(b *testing.B) {
	for _, s := range Specs() {
		b.Run(s.Name, func(b *testing.B) {
			l, _, err := New(s.Name, Facts{Engine: engine()})
			if err != nil {
				b.Fatal(err)
			}
			totals := map[reading.Signal]float64{}
			for _, signal := range reading.Signals() {
				totals[signal] = 0.5
			}
			in := perPod(see(0, 8, totals), totals)
			in.Readings.Add(reading.MeanInput).Total = reading.New(1000, 0)
			in.Readings.Add(reading.MeanOutput).Total = reading.New(200, 0)
			b.ReportAllocs()
			for b.Loop() {
				var out Output
				l, out = l.Step(in)
				in.Now = out.Next
			}
		})
	}
}
