package catalog

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/dynamo"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/law/wva"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A sample is a law between 1 and 8 replicas for the properties below.
type sample struct {
	name string
	law  law.Law
}

// informed puts in what laws take from a benchmark, a command line or hindsight.
func informed(l law.Law) law.Law {
	switch l := l.(type) {
	case reference.Oracle:
		l.Levels = []reference.Level{{Replicas: 3}, {From: time.Hour, Replicas: 7}}
		return l
	case dynamo.Load:
		line := dynamo.Line{Base: .01, PerPrefill: 1e-4, PerKV: 1e-7}
		l.BatchTokens, l.Cost = 2048, dynamo.StepCost{Decode: line, Mixed: line}
		return l
	case dynamo.SLA:
		l.Rates = dynamo.Rates{Inputs: []float64{1}, Outputs: []float64{1}, PerSecond: []float64{1}}
		return l
	case promise.Law:
		l.Promise, l.TTFT, l.TPOT = 0.95, 3*time.Second, 100*time.Millisecond
		return l
	case hpa.Relay[wva.V2, wva.V2State]:
		l.Law.MaxSeqs, l.Law.BatchTokens = 256, 2048
		return l
	}
	return l
}

// samples are all laws at their defaults, and some more.
func samples(t testing.TB) []sample {
	t.Helper()
	var all []sample
	texts := []string{
		"static:n=5", "hpa:kind=CPU,metric=cpu,target=80,request=1", "hpa:kind=Pods,metric=waiting", "hpa:type=Value",
		"aibrix-apa:as=intended", "aibrix-kpa:as=intended", "keda:min=0,fallback=4,behavior=currentReplicasIfHigher",
		"kpa:min=0,delay=30s", "dynamo-load:easy=latency", "ray-serve:min=0,down-delay=20s", "kthena:panic=0,up-window=60s",
		"wva-v2:min=0", "kubeai:min=0,samples=3", "skyserve:up-votes=1,down-votes=2",
	}
	for _, s := range Specs() {
		if s.Name != "static" {
			texts = append(texts, s.Name+":min=1,max=8")
		}
	}
	for _, text := range texts {
		made, err := Make(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{text, informed(made.Law)})
	}
	a, b := reading.Query(0), reading.Query(1)
	k := keda.Law{Triggers: []keda.Trigger{{Signal: a, Threshold: 3, Name: "a"}, {Signal: b, Threshold: 1, Name: "b", Cached: true}}}.Defaults()
	k.Max, k.Fallback = 8, &keda.Fallback{Failures: 2, Replicas: 4, Behavior: keda.FallbackModifiers}
	ratio := keda.Formula{Op: keda.OpDivide, Args: []keda.Formula{{Op: keda.OpTrigger, Name: "a"}, {Op: keda.OpTrigger, Name: "b"}}}
	k.Modifiers = &keda.Modifiers{Target: 2, Formula: ratio}
	plain := hpa.Law{Metrics: []hpa.Metric{{Kind: hpa.External, Signal: a, Goal: 3}, {Kind: hpa.PerPod, Signal: b, Goal: 3}}}.Defaults()
	plain.Bounds = law.Bounds{Min: 1, Max: 8}
	return append(all, sample{"keda with a formula", k}, sample{"hpa without behavior", plain}, sample{"delegated", law.Delegated{}})
}

// number is anything that a metric may turn out to be.
func number(r *rand.Rand) reading.Reading {
	at := time.Duration(r.Int64N(int64(time.Hour)))
	switch r.IntN(8) {
	case 0:
		return reading.Reading{At: at, Quality: reading.Quality(r.IntN(5))}
	case 1:
		return reading.New([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, 1e-300}[r.IntN(6)], at)
	case 2:
		return reading.New(0, at)
	default:
		return reading.New(r.ExpFloat64()*20, at)
	}
}

func anything(r *rand.Rand, needs []reading.Signal, now time.Duration, desired int) law.Input {
	in := law.Input{Now: now, Phase: time.Duration(r.IntN(15)) * time.Second, Floor: max(0, r.IntN(20)-15)}
	in.Fleet = law.Fleet{Desired: desired, Pending: r.IntN(3), Starting: r.IntN(3), Ready: r.IntN(9), Draining: r.IntN(2)}
	for range r.IntN(9) {
		in.Fleet.Pods = append(in.Fleet.Pods, law.Pod{
			Phase: law.Phase(r.IntN(4)), Ready: r.IntN(3) > 0, Deleting: r.IntN(8) == 0,
			StartedAt: time.Duration(r.Int64N(int64(now + 1))), ChangedAt: time.Duration(r.Int64N(int64(now + 1))),
		})
	}
	for _, signal := range needs {
		s := in.Readings.Add(signal)
		s.Total = number(r)
		for range r.IntN(len(in.Fleet.Pods) + 2) {
			s.Pods = append(s.Pods, number(r))
		}
	}
	return in
}

func copied(in law.Input) law.Input {
	out := in
	out.Fleet.Pods = slices.Clone(in.Fleet.Pods)
	out.Readings = slices.Clone(in.Readings)
	for i := range out.Readings {
		out.Readings[i].Pods = slices.Clone(out.Readings[i].Pods)
	}
	return out
}

// bits compares numbers to the last bit, but any NaN is equal to any.
var bits = cmp.Comparer(func(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
})

// law's INV-1, INV-2, INV-4 and INV-6 and this package's INV-2, of any law, whatever it
// sees.
func FuzzLaw(f *testing.F) {
	all := samples(f)
	for seed := range 2 * uint64(len(all)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		s, r := all[seed%uint64(len(all))], rand.New(rand.NewPCG(seed, 2))
		var state law.State
		now, desired := time.Duration(0), 1+r.IntN(8)
		for range 60 {
			in := anything(r, s.law.Needs(), now, desired)
			next, out := stepTwice(t, s, state, in)
			checkOutput(t, s.name, in, out)
			state, now, desired = next, out.Next, out.Replicas
		}
	})
}

// stepTwice steps the law, and the law as it is read back with its state.
func stepTwice(t *testing.T, s sample, state law.State, in law.Input) (law.State, law.Output) {
	t.Helper()
	before := copied(in)
	next, out := s.law.Step(state, in)
	_, again := s.law.Step(state, in)
	if d := cmp.Diff(out, again, bits); d != "" {
		t.Fatalf("%s: Step changed the state it was called on: %s", s.name, d)
	}
	if !cmp.Equal(before, in, bits) {
		t.Fatalf("%s: Step changed its input", s.name)
	}
	l, kept := readBack(t, s, state)
	nextToo, outToo := l.Step(kept, in)
	if d := cmp.Diff(out, outToo, bits, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s: read back, Step decides otherwise: %s", s.name, d)
	}
	if d := cmp.Diff(next, nextToo, bits, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s: read back, Step remembers otherwise: %s", s.name, d)
	}
	return next, out
}

func readBack(t *testing.T, s sample, state law.State) (law.Law, law.State) {
	t.Helper()
	text, err := json.Marshal(s.law)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	l, err := ReadLaw(s.law.Name(), text)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(state); err != nil {
		t.Fatalf("%s: %v: %+v", s.name, err, state)
	}
	kept, err := ReadState(s.law.Name(), text)
	if err != nil {
		t.Fatal(err)
	}
	return l, kept
}

func checkOutput(t *testing.T, name string, in law.Input, out law.Output) {
	t.Helper()
	if out.Replicas < 0 || out.Replicas > 8 {
		t.Fatalf("%s: Step(%+v) = %+v, want 0 to 8 replicas", name, in, out)
	}
	if out.Next <= in.Now {
		t.Fatalf("%s: at %v the next step is at %v", name, in.Now, out.Next)
	}
	n := in.Fleet.Desired
	for _, r := range out.Reasons {
		if to, ok := r.Recompute(); r.From != n || to != r.To || !ok {
			t.Fatalf("%s: %+v after %d recomputes to %d, %v", name, r, n, to, ok)
		}
		n = r.To
	}
	if n != out.Replicas {
		t.Fatalf("%s: reasons %v do not lead from %d to %d", name, out.Reasons, in.Fleet.Desired, out.Replicas)
	}
}

// law's INV-3. What an empty answer means to KEDA, and no traffic to llm-d's rules, is 0:
// the laws that say so ask for fewer.
func TestNoLawScalesInBlind(t *testing.T) {
	for _, s := range samples(t) {
		name, _, _ := strings.Cut(s.name, ":")
		switch name {
		case "static", "schedule", "oracle", "keda", "keda with a formula", "llmd-queue", "llmd-slo", "llmd-tokens", "production-stack":
			continue
		}
		var state law.State
		now := time.Duration(0)
		for range 400 {
			var out law.Output
			if state, out = s.law.Step(state, lawtest.See(now, 5, nil)); out.Replicas < 5 {
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
			made, err := Make(s.Name, nil)
			if err != nil {
				b.Fatal(err)
			}
			l := informed(made.Law)
			totals := lawtest.Totals{}
			for _, signal := range reading.Signals() {
				totals[signal] = 0.5
			}
			in := lawtest.PerPod(lawtest.See(0, 8, totals), totals)
			in.Readings.Add(reading.MeanInput).Total = reading.New(1000, 0)
			in.Readings.Add(reading.MeanOutput).Total = reading.New(200, 0)
			var state law.State
			b.ReportAllocs()
			for b.Loop() {
				var out law.Output
				state, out = l.Step(state, in)
				in.Now = out.Next
			}
		})
	}
}
