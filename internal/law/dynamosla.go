package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// DynamoSLA is the throughput mode of Dynamo's planner for one pool that prefills and
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
// Worked example (TestDynamoSLAWorkedExample): 10 requests per second, an engine that
// serves 1.45 of such in time: ⌈6.9⌉ = 7, 180 s after the start.
type DynamoSLA struct {
	DynamoSLAConfig
	rates   reading.Window
	decide  time.Duration // when next
	started bool
}

// DynamoSLAConfig are its objectives.
type DynamoSLAConfig struct {
	Bounds
	TTFT, ITL time.Duration
	Every     time.Duration
	Engine    Engine
}

// Needs are the arrivals and their shape.
func (d DynamoSLA) Needs() []reading.Signal {
	return []reading.Signal{reading.Arrivals, reading.MeanInput, reading.MeanOutput, reading.HitShare}
}

// Step notes the rate of each minute and decides on the mean of an interval's.
func (d DynamoSLA) Step(in Input) (Law, Output) {
	if !d.started {
		d.started, d.decide = true, in.Now+d.Every
	}
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + min(time.Minute, max(d.Every, time.Second))}
	if rate, ok := in.total(reading.Arrivals); ok {
		d.rates = d.rates.Add(in.Now, rate, max(d.Every, time.Minute))
	}
	if in.Now < d.decide {
		out.Next = min(out.Next, d.decide)
		return d, out
	}
	d.decide = in.Now + max(d.Every, time.Second)
	rate, ok := d.rates.Mean(in.Now - max(d.Every, time.Minute))
	s := in.shape()
	switch {
	case !ok || s.Input <= 0 || s.Output <= 0:
		return d, out.held("no data").clamp(d.Bounds)
	case d.Engine.Best == nil:
		return d, out.held("no performance model").clamp(d.Bounds)
	}
	best := d.Engine.Best(s, d.TTFT, d.ITL)
	if !(best > 0) {
		return d, out.held("no rate meets the objectives").clamp(d.Bounds)
	}
	return d, out.to("forecast over the engine's rate", max(ceil(rate/best), 1)).clamp(d.Bounds)
}

func dynamoSLASpec() Spec {
	return Spec{
		Name: "dynamo-sla", Doc: "Dynamo planner: forecast requests over what a benchmarked engine serves in time",
		Source: "github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/throughput_scaling.py at 0c9050c",
		Params: bounded("1",
			Param{Name: "ttft", Default: "500ms", Doc: "objective"},
			Param{Name: "itl", Default: "50ms", Doc: "objective"},
			Param{Name: "every", Default: "180s", Doc: "throughput adjustment interval"},
		),
		build: func(v *values, f Facts) Law {
			return DynamoSLA{DynamoSLAConfig: DynamoSLAConfig{
				Bounds: v.bounds(), TTFT: v.duration("ttft"), ITL: v.duration("itl"), Every: v.duration("every"), Engine: f.Engine,
			}}
		},
	}
}
