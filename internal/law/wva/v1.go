package wva

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// V1 is the percentage-based saturation analyzer of the workload variant autoscaler
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/saturationv1/
// analyzer.go). Every 30 s, of each replica's greatest KV usage k and queue q within a
// minute; saturated are those with k ≥ KV or q ≥ Queue, and over the N others
//
//	up    mean(KV − k) < SpareKV or mean(Queue − q) < SpareQueue, or N = 0: +1
//	down  N ≥ 2 and neither holds with k and q times N/(N−1): −1
//
// Nothing while replicas start or the fleet is not what was asked for.
//
// Worked example (TestV1WorkedExample): 3 replicas at k = 0.75 and empty queues: mean
// spare 0.05 < 0.1: 4. At k = 0.2: 0.8 − 0.2·3/2 = 0.5 ≥ 0.1 and 5 ≥ 3: 2.
type V1 struct {
	law.Bounds
	KV, Queue, SpareKV, SpareQueue float64
	Every                          time.Duration
}

// V1State is nothing: it remembers nothing.
type V1State struct{}

// Name is wva-v1.
func (c V1) Name() string { return "wva-v1" }

// Needs are the peaks.
func (c V1) Needs() []reading.Signal {
	return []reading.Signal{reading.KVUsagePeak, reading.WaitingPeak, reading.Held}
}

// Step is one round of the engine.
func (c V1) Step(_ law.State, in law.Input) (law.State, law.Output) {
	out, zero := Config{Bounds: c.Bounds, Every: c.Every}.start(in)
	if zero {
		return nil, out
	}
	if in.Fleet.Pending+in.Fleet.Starting > 0 || in.Fleet.Desired != in.Fleet.Provisioned() {
		return nil, out.Held(law.RuleTransition).Clamp(c.Bounds)
	}
	pods, n, kv, queue := 0, 0.0, 0.0, 0.0
	for row := range in.Rows(reading.KVUsagePeak, reading.WaitingPeak) {
		pods++
		if row[0] < c.KV && row[1] < c.Queue {
			n, kv, queue = n+1, kv+row[0], queue+row[1]
		}
	}
	usage, waiting := law.Known(law.TermUsage, kv/max(n, 1), law.UnitShare), law.Known(law.TermQueue, queue/max(n, 1), law.UnitRequests)
	switch {
	case pods == 0:
		return nil, out.Held(law.RuleNoData).Clamp(c.Bounds)
	case n == 0 || !c.spare(kv/n, queue/n):
		out = out.By(law.RuleTooFull, usage, waiting)
	case n >= 2 && c.spare(kv/(n-1), queue/(n-1)):
		out = out.By(law.RuleSpareWithoutOne, usage, waiting)
	}
	return nil, out.Clamp(c.Bounds)
}

// spare says whether a mean load leaves enough.
func (c V1) spare(kv, queue float64) bool {
	return c.KV-kv >= c.SpareKV && c.Queue-queue >= c.SpareQueue
}

// V1Spec describes it, behind its HPA.
func V1Spec() spec.Spec {
	return spec.Spec{
		Name: "wva-v1", Doc: "workload variant autoscaler: KV cache and queue percentages, one replica at a time",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/saturationv1/analyzer.go",
		Params: spec.Bounded("1", append([]spec.Param{
			{Name: "kv", Default: "0.8", Doc: "a replica is saturated from this KV usage on"},
			{Name: "queue", Default: "5", Unit: "requests", Doc: "a replica is saturated from so many waiting on"},
			{Name: "spare-kv", Default: "0.1", Doc: "add a replica below this mean below kv"},
			{Name: "spare-queue", Default: "3", Unit: "requests", Doc: "add a replica below this mean below queue"},
			{Name: "every", Default: "30s", Doc: "between decisions"},
		}, behavior()...)...),
		Build: func(v *spec.Values) law.Law {
			return hpa.Follow[V1, V1State](V1{
				Bounds: v.Bounds(), KV: v.Above("kv"), Queue: v.Above("queue"), SpareKV: v.Number("spare-kv"),
				SpareQueue: v.Number("spare-queue"), Every: v.Duration("every"),
			}, hpa.Read(v))
		},
	}
}
