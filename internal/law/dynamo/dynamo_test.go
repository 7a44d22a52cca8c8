package dynamo

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// cost is 10 ms and 0.1 ms per prompt token.
func cost() StepCost {
	line := Line{Base: .01, PerPrefill: 1e-4, PerKV: 1e-7}
	return StepCost{line, line}
}

func load1(t *testing.T, pairs string) Load {
	t.Helper()
	made, err := LoadSpec().Make(pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := made.Law.(Load)
	if !ok {
		t.Fatalf("%T is no Load", made.Law)
	}
	l.BatchTokens, l.Cost = 2048, cost()
	return l
}

func TestLoadWorkedExample(t *testing.T) {
	in := lawtest.See(0, 2, lawtest.Totals{reading.MeanInput: 1000, reading.MeanOutput: 200})
	pods := func(waiting, kv float64) law.Input {
		return lawtest.PerPod(in, lawtest.Totals{reading.Waiting: waiting, reading.KVUsage: kv, reading.KVCapacity: 100_000})
	}
	for _, c := range []struct {
		pairs       string
		waiting, kv float64
		want        int
	}{{"", 10, 0, 3}, {"", 0, .2, 1}, {"easy=throughput", 0, .7, 2}} {
		if _, out := load1(t, c.pairs).Step(nil, pods(c.waiting, c.kv)); out.Replicas != c.want {
			t.Errorf("%s with %v waiting and %v of the cache in use: %+v, want %d", c.pairs, c.waiting, c.kv, out, c.want)
		}
	}
	if got := load1(t, "").ttft(load{queued: 10_000}, law.Shape{Input: 1000}); got < 1.159 || got > 1.161 {
		t.Errorf("TTFT = %v s, want 1.16", got)
	}
}

func TestSLAWorkedExample(t *testing.T) {
	made, err := SLASpec().Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := made.Law.(SLA)
	if !ok {
		t.Fatalf("%T is no SLA", made.Law)
	}
	l.Rates = Rates{Inputs: []float64{4000}, Outputs: []float64{1000}, PerSecond: []float64{1.45}}
	ten := func(time.Duration) lawtest.Totals {
		return lawtest.Totals{reading.Arrivals: 10, reading.MeanInput: 4000, reading.MeanOutput: 1000}
	}
	got := lawtest.Run{From: 3, Until: 6 * time.Minute, Totals: ten}.Step(l)
	if diff := cmp.Diff([]lawtest.Change{{At: 3 * time.Minute, Replicas: 7}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}

// INV-1.
func TestRates(t *testing.T) {
	r := Rates{Inputs: []float64{100, 300}, Outputs: []float64{10}, PerSecond: []float64{10, 5}}
	for _, c := range []struct {
		shape law.Shape
		want  float64
	}{
		{law.Shape{Input: 200, Output: 10}, 1 / .15}, {law.Shape{Input: 100, Output: 10}, 10}, {law.Shape{Input: 300, Output: 10}, 5},
		{law.Shape{Input: 400, Output: 99, Hit: .5}, 1 / .15}, {law.Shape{Input: 1, Output: 1}, 10}, {law.Shape{Input: 1e9, Output: 1e9}, 5},
		{law.Shape{Input: math.NaN()}, 10},
	} {
		if got := r.At(c.shape); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("At(%v) = %v, want %v", c.shape, got, c.want)
		}
	}
	r.PerSecond[0] = 0
	if got := r.At(law.Shape{Input: 200, Output: 10}); got != 0 {
		t.Errorf("beside a shape that cannot be served in time: %v, want 0", got)
	}
	if got := (Rates{}).At(law.Shape{Input: 200, Output: 10}); got != 0 {
		t.Errorf("without a benchmark: %v, want 0", got)
	}
}
