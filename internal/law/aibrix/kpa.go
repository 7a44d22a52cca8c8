package aibrix

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// KPA is AIBrix's take on Knative's KPA (github.com/vllm-project/aibrix
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
// Worked example (TestKPAWorkedExample): 4 replicas, KV usage 0.7 in each, target
// 0.5. As coded ds = ⌈0.7/0.5⌉ = 2; as intended ⌈2.8/0.5⌉ = 6.
type KPA struct{ Config }

// KPAState is what it remembers.
type KPAState struct {
	Stable reading.Window
	Panic  reading.Window
	Past   reading.Window
}

// Name is aibrix-kpa.
func (c KPA) Name() string { return "aibrix-kpa" }

// Needs is the metric.
func (c KPA) Needs() []reading.Signal { return []reading.Signal{c.Signal} }

// Step is one decision.
func (c KPA) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out := law.Resume[KPAState](state), in.Start(max(c.Every, time.Second))
	x, ok := in.Mean(c.Signal)
	if !ok || c.Target <= 0 {
		return s, out.Held(law.RuleNoData)
	}
	pods := 1
	if c.Intended {
		pods = max(in.Fleet.Ready, 1)
	}
	s.Stable = s.Stable.Add(in.Now, x*float64(pods), c.Stable)
	s.Panic = s.Panic.Add(in.Now, x*float64(pods), c.Panic)
	stable, _ := s.Stable.Mean(in.Now - c.Stable)
	panicked, _ := s.Panic.Mean(in.Now - c.Panic)
	load, target := law.Known(law.TermStable, stable, law.UnitNone), law.Known(law.TermTarget, c.Target, law.UnitNone)
	up, down := law.Known(law.TermMaxUp, c.MaxUp, law.UnitNone), law.Known(law.TermMaxDown, c.MaxDown, law.UnitNone)
	tolerance, of := law.Known(law.TermTolerance, c.Tolerance, law.UnitShare), law.Replicas(law.TermPods, pods)
	if stable <= 0 || panicked/stable > 2 {
		out = out.By(law.RuleLoadPanic, load, target, up, down, tolerance, of, law.Known(law.TermPanic, panicked, law.UnitNone))
	} else {
		out = out.By(law.RuleLoad, load, target, up, down, tolerance, of)
	}
	s.Past, out = c.stabilize(in, s.Past, out)
	return s, out
}

// KPASpec describes it.
func KPASpec() spec.Spec {
	return spec.Spec{
		Name: "aibrix-kpa", Doc: "AIBrix: like Knative's, on any metric",
		Source: "github.com/vllm-project/aibrix pkg/controller/podautoscaler/algorithm/kpa.go",
		Params: params(),
		Build:  func(v *spec.Values) law.Law { return KPA{read(v)} },
	}
}
