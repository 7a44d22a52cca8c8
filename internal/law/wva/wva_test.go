package wva

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// wants steps a law once, and what an HPA follows rather than the HPA.
func wants(t *testing.T, of spec.Spec, in law.Input, want int) {
	t.Helper()
	made, err := of.Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, out := inner(made.Law).Step(nil, in); out.Replicas != want {
		t.Errorf("%s: %+v, want %d replicas", of.Name, out, want)
	}
}

// inner is what the HPA follows.
func inner(l law.Law) law.Law {
	switch r := l.(type) {
	case hpa.Relay[V1, V1State]:
		return r.Law
	case hpa.Relay[V2, V2State]:
		return r.Law
	case hpa.Relay[Throughput, ThroughputState]:
		return r.Law
	}
	return l
}

func TestV1WorkedExample(t *testing.T) {
	peaks := func(kv float64) law.Input {
		return lawtest.PerPod(lawtest.See(0, 3, nil), lawtest.Totals{reading.KVUsagePeak: kv, reading.WaitingPeak: 0})
	}
	wants(t, V1Spec(), peaks(.75), 4)
	wants(t, V1Spec(), peaks(.2), 2)
	starting := peaks(.75)
	starting.Fleet.Ready, starting.Fleet.Starting = 2, 1
	wants(t, V1Spec(), starting, 3)
}

func TestV2WorkedExample(t *testing.T) {
	made, err := V2Spec().Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := inner(made.Law).(V2)
	if !ok {
		t.Fatalf("%T is no V2", made.Law)
	}
	l.MaxSeqs, l.BatchTokens = 256, 8192
	in := lawtest.PerPod(lawtest.See(0, 2, lawtest.Totals{reading.MeanInput: 1000, reading.MeanOutput: 200}),
		lawtest.Totals{reading.KVUsagePeak: 0.7, reading.WaitingPeak: 0, reading.KVCapacity: 100_000})
	_, got := l.Step(nil, in)
	want := law.Output{Replicas: 3, Next: 30 * time.Second, Reasons: []law.Reason{{Rule: law.RuleRequired, From: 2, To: 3, Terms: []law.Term{
		law.Known(law.TermDemand, 140_000, law.UnitNone), law.Known(law.TermThreshold, .85, law.UnitShare),
		law.Known(law.TermCapacity, 80_000, law.UnitNone), law.Replicas(law.TermProvisioned, 2),
	}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}

func TestQueueingWorkedExample(t *testing.T) {
	c, s := startCoefficients(), law.Shape{Input: 1000, Output: 200}
	trickle := c.chain(s).at(c.rate(s, 1) / 1000)
	if got := trickle.ttft * 1000; got < 60.5 || got > 60.7 {
		t.Errorf("TTFT at a trickle is %.2f ms, want 60.6", got)
	}
	if got := trickle.itl * 1000; got < 5.3 || got > 5.5 {
		t.Errorf("ITL at a trickle is %.2f ms, want 5.4", got)
	}
	most := c.most(s, latency{1, 0.015})
	at := c.chain(s).at(most)
	if at.itl < 0.01499 || at.itl > 0.015 {
		t.Errorf("at λ* = %.3f ITL is %.5f s, want the target 0.015", most, at.itl)
	}
}

// TestQueueingLearns: fed with what twice the coefficients would give, the filter finds
// latencies within 5 %.
func TestQueueingLearns(t *testing.T) {
	truth, s := startCoefficients(), law.Shape{Input: 1000, Output: 200}
	for i := range truth {
		truth[i] *= 2
	}
	var k Kalman
	for i := range 400 {
		arrivals := 0.5 + float64(i%7)
		k = k.learn(s, arrivals, truth.chain(s).at(arrivals))
	}
	for _, arrivals := range []float64{1, 4} {
		got, want := k.estimate().chain(s).at(arrivals), truth.chain(s).at(arrivals)
		if d := got.itl/want.itl - 1; d < -0.05 || d > 0.05 {
			t.Errorf("at %v/s ITL is %.2f ms, want %.2f", arrivals, got.itl*1000, want.itl*1000)
		}
		if d := got.ttft/want.ttft - 1; d < -0.05 || d > 0.05 {
			t.Errorf("at %v/s TTFT is %.2f ms, want %.2f", arrivals, got.ttft*1000, want.ttft*1000)
		}
	}
}

func TestThroughputWorkedExample(t *testing.T) {
	in := lawtest.See(0, 2, lawtest.Totals{reading.Arrivals: 40, reading.MeanInput: 900, reading.MeanOutput: 200, reading.HitShare: 0})
	wants(t, ThroughputSpec(), lawtest.PerPod(in, lawtest.Totals{reading.KVUsage: 0.5, reading.MeanITL: 0.016, reading.KVCapacity: 100_000}), 3)
	a, b, ok := line([]ITLSample{{0, 0.2, 0.01}, {0, 0.4, 0.014}, {0, 0.8, 0.022}})
	if !ok || a < 0.01999 || a > 0.02001 || b < 0.00599 || b > 0.00601 {
		t.Errorf("line = %v, %v, %v, want 0.02, 0.006", a, b, ok)
	}
}
