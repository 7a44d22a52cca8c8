package dynamo

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// SLA is the throughput mode of Dynamo's planner for one pool that prefills and
// decodes (github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/
// throughput_scaling.py at 0c9050c). Every 180 s, of a forecast of λ requests per second
// with I tokens in and O out, and with rps the best rate of one engine at which a
// benchmark met both objectives:
//
//	max(⌈λ/rps⌉, 1)
//
// The forecast is the constant one: the next interval is like the last. Not here: the
// other forecasts, and the split into two pools. Without a performance model it holds.
//
// Worked example (TestSLAWorkedExample): 10 requests per second, an engine that
// serves 1.45 of such in time: ⌈6.9⌉ = 7, 180 s after the start.
type SLA struct {
	law.Bounds
	TTFT, ITL time.Duration
	Every     time.Duration
	Rates     Rates // zero: not known
}

// SLAState is what it remembers.
type SLAState struct {
	Started bool
	Rates   reading.Window
	Decide  time.Duration // when next
}

// Name is dynamo-sla.
func (c SLA) Name() string { return "dynamo-sla" }

// Needs are the arrivals and their shape.
func (c SLA) Needs() []reading.Signal {
	return []reading.Signal{reading.Arrivals, reading.MeanInput, reading.MeanOutput, reading.HitShare}
}

// Step notes the rate of each minute and decides on the mean of an interval's.
func (c SLA) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[SLAState](state)
	if !s.Started {
		s.Started, s.Decide = true, in.Now+c.Every
	}
	out := in.Start(min(time.Minute, max(c.Every, time.Second)))
	if rate, ok := in.Total(reading.Arrivals); ok {
		s.Rates = s.Rates.Add(in.Now, rate, max(c.Every, time.Minute))
	}
	if in.Now < s.Decide {
		out.Next = min(out.Next, s.Decide)
		return s, out
	}
	s.Decide = in.Now + max(c.Every, time.Second)
	rate, ok := s.Rates.Mean(in.Now - max(c.Every, time.Minute))
	shape := in.Shape()
	switch {
	case !ok || shape.Input <= 0 || shape.Output <= 0:
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	case len(c.Rates.PerSecond) == 0:
		return s, out.Held(law.RuleNoModel).Clamp(c.Bounds)
	}
	best := c.Rates.At(shape)
	if !(best > 0) {
		return s, out.Held(law.RuleNoRate).Clamp(c.Bounds)
	}
	return s, out.By(law.RuleForecast, law.Known(law.TermArrivals, rate, law.UnitRequestsPerSecond),
		law.Known(law.TermCapacity, best, law.UnitRequestsPerSecond)).Clamp(c.Bounds)
}

// SLASpec describes it. What a benchmark tells is put in before the run.
func SLASpec() spec.Spec {
	return spec.Spec{
		Name: "dynamo-sla", Doc: "Dynamo planner: forecast requests over what a benchmarked engine serves in time",
		Source: "github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/throughput_scaling.py at 0c9050c",
		Params: spec.Bounded("1",
			spec.Param{Name: "ttft", Default: "500ms", Doc: "objective"},
			spec.Param{Name: "itl", Default: "50ms", Doc: "objective"},
			spec.Param{Name: "every", Default: "180s", Doc: "throughput adjustment interval"},
		),
		Build: func(v *spec.Values) law.Law {
			return SLA{
				Bounds: v.Bounds(), TTFT: v.Duration("ttft"), ITL: v.Duration("itl"), Every: v.Duration("every"),
			}
		},
	}
}
