package aibrix

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
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
type APA struct{ Config }

// APAState is what it remembers.
type APAState struct {
	Stable reading.Window
	Past   reading.Window
}

// Name is aibrix-apa.
func (c APA) Name() string { return "aibrix-apa" }

// Needs is the metric.
func (c APA) Needs() []reading.Signal { return []reading.Signal{c.Signal} }

// Step is one decision.
func (c APA) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out := law.Resume[APAState](state), in.Start(max(c.Every, time.Second))
	x, ok := in.Mean(c.Signal)
	if !ok || c.Target <= 0 {
		return s, out.Held(law.RuleNoData)
	}
	s.Stable = s.Stable.Add(in.Now, x, c.Stable)
	x, _ = s.Stable.Mean(in.Now - c.Stable)
	if q := x / c.Target; q > 1+c.Tolerance || q < 1-c.Tolerance {
		out = out.By(law.RuleProportional, law.Known(law.TermLoad, x, law.UnitNone), law.Known(law.TermTarget, c.Target, law.UnitNone),
			law.Known(law.TermMaxUp, c.MaxUp, law.UnitNone), law.Known(law.TermMaxDown, c.MaxDown, law.UnitNone))
	}
	s.Past, out = c.stabilize(in, s.Past, out)
	return s, out
}

// APASpec describes it.
func APASpec() spec.Spec {
	return spec.Spec{
		Name: "aibrix-apa", Doc: "AIBrix: proportional to a metric's mean over pods, doubling or halving at most",
		Source: "github.com/vllm-project/aibrix pkg/controller/podautoscaler/algorithm/apa.go at 4148b7a",
		Params: params(),
		Build:  func(v *spec.Values) law.Law { return APA{read(v)} },
	}
}
