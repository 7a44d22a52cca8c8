package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// AIBrixKPA is AIBrix's take on Knative's KPA (github.com/vllm-project/aibrix
// pkg/controller/podautoscaler/algorithm/kpa.go). With n replicas, T the target, S and P
// the metric over the stable and the panic window:
//
//	ds, dp  ⌈S/T⌉ and ⌈P/T⌉, or n within 10 % of T; at least ⌊n/2⌋, at most max(1, ⌈2n⌉)
//	panic   if S ≤ 0 or P/S > 2: max(ds, dp), else ds
//
// then the stabilization of aibrix.go. As coded S and P are means over the pods, so that
// ⌈S/T⌉ is about 1 whatever the number of pods; intended are sums over the pods (the
// band of 10 % then holds for each pod).
//
// Worked example (TestAIBrixKPAWorkedExample): 4 replicas, KV usage 0.7 in each, target
// 0.5. As coded ds = ⌈0.7/0.5⌉ = 2; as intended ⌈2.8/0.5⌉ = 6.
type AIBrixKPA struct {
	AIBrixConfig
	stable reading.Window
	panic  reading.Window
	past   reading.Window
}

// Needs is the metric.
func (k AIBrixKPA) Needs() []reading.Signal { return []reading.Signal{k.Signal} }

// Step is one decision.
func (k AIBrixKPA) Step(in Input) (Law, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(k.Every, time.Second)}
	x, ok := in.mean(k.Signal)
	if !ok || k.Target <= 0 {
		return k, out.held("no data")
	}
	pods := 1.0
	if k.Intended {
		pods = float64(max(in.Fleet.Ready, 1))
	}
	k.stable = k.stable.Add(in.Now, x*pods, k.Stable)
	k.panic = k.panic.Add(in.Now, x*pods, k.Panic)
	s, _ := k.stable.Mean(in.Now - k.Stable)
	p, _ := k.panic.Mean(in.Now - k.Panic)
	ds, dp := k.replicas(s, pods, in.Desired), k.replicas(p, pods, in.Desired)
	if s <= 0 || p/s > 2 {
		out = out.to("panic", max(ds, dp))
	} else {
		out = out.to("metric", ds)
	}
	k.past, out = k.stabilize(in, k.past, out)
	return k, out
}

func (k AIBrixKPA) replicas(x, pods float64, desired int) int {
	n, want := float64(max(desired, 0)), float64(max(desired, 0))
	if each := x / pods; each < (1-k.Tolerance)*k.Target || each > (1+k.Tolerance)*k.Target {
		want = math.Ceil(x / k.Target)
	}
	if n == 0 {
		return count(min(want, 1))
	}
	return count(k.limit(want, n))
}

func aibrixKPASpec() Spec {
	return Spec{
		Name: "aibrix-kpa", Doc: "AIBrix: like Knative's, on any metric",
		Source: "github.com/vllm-project/aibrix pkg/controller/podautoscaler/algorithm/kpa.go",
		Params: aibrixParams(),
		build:  func(v *values, _ Facts) Law { return AIBrixKPA{AIBrixConfig: v.aibrix()} },
	}
}
