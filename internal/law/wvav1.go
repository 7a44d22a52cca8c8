package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// WVAV1 is the percentage-based saturation analyzer of the workload variant autoscaler
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/saturationv1/
// analyzer.go). Every 30 s, of each replica's greatest KV usage k and queue q within a
// minute; saturated are those with k ≥ KV or q ≥ Queue, and over the N others
//
//	up    mean(KV − k) < SpareKV or mean(Queue − q) < SpareQueue, or N = 0: +1
//	down  N ≥ 2 and neither holds with k and q times N/(N−1): −1
//
// Nothing while replicas start or the fleet is not what was asked for.
//
// Worked example (TestWVAV1WorkedExample): 3 replicas at k = 0.75 and empty queues: mean
// spare 0.05 < 0.1: 4. At k = 0.2: 0.8 − 0.2·3/2 = 0.5 ≥ 0.1 and 5 ≥ 3: 2.
type WVAV1 struct{ WVAV1Config }

// WVAV1Config are its thresholds.
type WVAV1Config struct {
	Bounds
	KV, Queue, SpareKV, SpareQueue float64
	Every                          time.Duration
}

// Needs are the peaks.
func (w WVAV1) Needs() []reading.Signal {
	return []reading.Signal{reading.KVUsagePeak, reading.WaitingPeak, reading.Held}
}

// Step is one round of the engine.
func (w WVAV1) Step(in Input) (Law, Output) {
	out, zero := WVAConfig{Bounds: w.Bounds, Every: w.Every}.start(in)
	if zero {
		return w, out
	}
	if in.Fleet.Pending+in.Fleet.Starting > 0 || in.Desired != in.Fleet.Provisioned() {
		return w, out.held("in transition").clamp(w.Bounds)
	}
	rows := in.rows(reading.KVUsagePeak, reading.WaitingPeak)
	n, kv, queue := 0.0, 0.0, 0.0
	for _, row := range rows {
		if row[0] < w.KV && row[1] < w.Queue {
			n, kv, queue = n+1, kv+row[0], queue+row[1]
		}
	}
	switch {
	case len(rows) == 0:
		return w, out.held("no data").clamp(w.Bounds)
	case n == 0 || !w.spare(kv/n, queue/n):
		out = out.to("spare capacity too low", in.Desired+1)
	case n >= 2 && w.spare(kv/(n-1), queue/(n-1)):
		out = out.to("spare capacity without one", in.Desired-1)
	}
	return w, out.clamp(w.Bounds)
}

// spare says whether a mean load leaves enough.
func (w WVAV1) spare(kv, queue float64) bool {
	return w.KV-kv >= w.SpareKV && w.Queue-queue >= w.SpareQueue
}

func wvaV1Spec() Spec {
	return Spec{
		Name: "wva-v1", Doc: "workload variant autoscaler: KV cache and queue percentages, one replica at a time",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/saturationv1/analyzer.go",
		Params: bounded("1", append([]Param{
			{Name: "kv", Default: "0.8", Doc: "a replica is saturated from this KV usage on"},
			{Name: "queue", Default: "5", Unit: "requests", Doc: "a replica is saturated from so many waiting on"},
			{Name: "spare-kv", Default: "0.1", Doc: "add a replica below this mean below kv"},
			{Name: "spare-queue", Default: "3", Unit: "requests", Doc: "add a replica below this mean below queue"},
			{Name: "every", Default: "30s", Doc: "between decisions"},
		}, wvaHPA()...)...),
		build: func(v *values, f Facts) Law {
			return NewRelay(WVAV1{WVAV1Config{
				Bounds: v.bounds(), KV: v.above("kv"), Queue: v.above("queue"), SpareKV: v.number("spare-kv"),
				SpareQueue: v.number("spare-queue"), Every: v.duration("every"),
			}}, v.hpa(f))
		},
	}
}
