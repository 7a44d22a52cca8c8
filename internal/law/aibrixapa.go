package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// APA is AIBrix's application-specific pod autoscaler (github.com/vllm-project/aibrix
// pkg/controller/podautoscaler/algorithm/apa.go at 4148b7a). With n replicas, T the
// target, x̄ the mean over pods and window and q = x̄/T:
//
//	q > 1.1  min(⌈n·q⌉, ⌈2n⌉)
//	q < 0.9  max(⌈n·q⌉, ⌊n/2⌋)
//	else     n
//
// then the stabilization of aibrix.go.
//
// Worked example (TestAPAWorkedExample): n = 4, KV usage 0.7 of a target of 0.5: q = 1.4,
// ⌈5.6⌉ = 6; at 0.1: q = 0.2, ⌈0.8⌉ = 1, but at least ⌊4/2⌋ = 2.
type APA struct {
	AIBrixConfig
	stable reading.Window
	past   reading.Window
}

// Needs is the metric.
func (a APA) Needs() []reading.Signal { return []reading.Signal{a.Signal} }

// Step is one decision.
func (a APA) Step(in Input) (Law, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(a.Every, time.Second)}
	x, ok := in.mean(a.Signal)
	if !ok || a.Target <= 0 {
		return a, out.held("no data")
	}
	a.stable = a.stable.Add(in.Now, x, a.Stable)
	x, _ = a.stable.Mean(in.Now - a.Stable)
	n, q := float64(max(in.Desired, 0)), x/a.Target
	if q > 1+a.Tolerance || q < 1-a.Tolerance {
		out = out.to("metric", count(a.limit(math.Ceil(n*q), n)))
	}
	a.past, out = a.stabilize(in, a.past, out)
	return a, out
}

func apaSpec() Spec {
	return Spec{
		Name: "aibrix-apa", Doc: "AIBrix: proportional to a metric's mean over pods, doubling or halving at most",
		Source: "github.com/vllm-project/aibrix pkg/controller/podautoscaler/algorithm/apa.go at 4148b7a",
		Params: aibrixParams(),
		build:  func(v *values, _ Facts) Law { return APA{AIBrixConfig: v.aibrix()} },
	}
}
