package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// DynamoLoad is the load mode of Dynamo's planner for one pool that prefills and decodes
// (github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/load_scaling.py at
// 0c6da1e). Every 5 s, of each engine with Q tokens of prompts queued and K tokens of KV
// cache in decode, from how long a step takes, N engines:
//
//	TTFT  the steps that prefill Q and a mean prompt of its own, at most B tokens each
//	ITL   a step of decode at K
//	up    TTFT or ITL above its objective in *all* engines: +1
//	down  with Q and K times N/(N−1), in all: TTFT − own < Safety·(objective − own), and
//	      K + Q < cache, ITL there < Safety·objective: −1
//
// Or by easy targets, on (K+Q)/cache: throughput +1 if any > 1, −1 if all < 0.6; latency
// 0.4 and 0.1. Nothing while it scales. The planner learns the step's cost by regression
// over forward passes; here it is given, as if learned.
//
// Worked example (TestDynamoLoadWorkedExample): 2 engines, a step of 10 ms + 0.1 ms per
// prompt token, B = 2048: 10,000 queued tokens and 1,000 of its own are 6 steps, 1.16 s;
// above 500 ms in both: 3.
type DynamoLoad struct{ DynamoLoadConfig }

// DynamoLoadConfig are its objectives.
type DynamoLoadConfig struct {
	Bounds
	TTFT, ITL time.Duration
	Safety    float64 // load_scaling_down_sensitivity
	Easy      string  // sla, throughput or latency
	Every     time.Duration
	Engine    Engine
}

// A load is what one engine has to do, in tokens.
type load struct{ queued, kv, cache float64 }

// Needs are the queues, the caches and the shape.
func (d DynamoLoad) Needs() []reading.Signal {
	return []reading.Signal{reading.Waiting, reading.KVUsage, reading.KVCapacity, reading.MeanInput, reading.MeanOutput, reading.HitShare}
}

// Step is one interval.
func (d DynamoLoad) Step(in Input) (Law, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(d.Every, time.Second)}
	if in.Fleet.Pending+in.Fleet.Starting > 0 || in.Desired != in.Fleet.Ready {
		return d, out.held("scaling in progress").clamp(d.Bounds)
	}
	s := in.shape()
	loads := d.loads(in, s)
	switch {
	case len(loads) == 0 || len(loads) != in.Fleet.Ready || s.Input <= 0:
		return d, out.held("no data").clamp(d.Bounds)
	case d.Easy != "sla":
		out = d.easy(loads, out)
	case d.Engine.Step == nil || d.Engine.BatchTokens <= 0:
		return d, out.held("no performance model").clamp(d.Bounds)
	default:
		out = d.latencies(loads, s, out)
	}
	return d, out.clamp(d.Bounds)
}

func (d DynamoLoad) loads(in Input, s Shape) []load {
	var loads []load
	for _, row := range in.rows(reading.Waiting, reading.KVUsage, reading.KVCapacity) {
		if row[2] > 0 {
			loads = append(loads, load{row[0] * s.Input, row[1] * row[2], row[2]})
		}
	}
	return loads
}

func (d DynamoLoad) easy(loads []load, out Output) Output {
	up, down := 1.0, 0.6
	if d.Easy == "latency" {
		up, down = 0.4, 0.1
	}
	anyAbove, allBelow := false, true
	for _, l := range loads {
		used := (l.kv + l.queued) / l.cache
		anyAbove, allBelow = anyAbove || used > up, allBelow && used < down
	}
	switch {
	case anyAbove:
		return out.to("an engine above the threshold", out.Replicas+1)
	case allBelow && len(loads) > 1:
		return out.to("all engines below the threshold", out.Replicas-1)
	}
	return out
}

func (d DynamoLoad) latencies(loads []load, s Shape, out Output) Output {
	n := float64(len(loads))
	lateTTFT, lateITL, mayLeave := true, true, n > 1
	for _, l := range loads {
		lateTTFT = lateTTFT && d.ttft(l, s) > d.TTFT.Seconds()
		lateITL = lateITL && d.Engine.Step(0, l.kv).Seconds() > d.ITL.Seconds()
		if mayLeave {
			mayLeave = d.fits(load{math.Floor(l.queued * n / (n - 1)), math.Floor(l.kv * n / (n - 1)), l.cache}, s)
		}
	}
	switch {
	case lateTTFT:
		return out.to("TTFT above its objective in all", out.Replicas+1)
	case lateITL:
		return out.to("ITL above its objective in all", out.Replicas+1)
	case mayLeave:
		return out.to("objectives kept without one", out.Replicas-1)
	}
	return out
}

// fits says whether the load of one engine more leaves both objectives safe.
func (d DynamoLoad) fits(l load, s Shape) bool {
	own := d.ttft(load{kv: l.kv}, s)
	budget := (d.TTFT.Seconds() - own) * d.Safety
	all := l.kv + l.queued
	return budget > 0 && d.ttft(l, s)-own < budget && all < l.cache &&
		d.Engine.Step(0, all).Seconds() < d.ITL.Seconds()*d.Safety
}

// ttft is how long the queue and a prompt of its own take, in seconds. What would be
// more than a thousand steps is late beyond any objective.
func (d DynamoLoad) ttft(l load, s Shape) float64 {
	left, batch, total := (l.queued+s.Input)*(1-s.Hit), float64(d.Engine.BatchTokens), 0.0
	for range 1000 {
		if left <= 0 {
			return total
		}
		total += d.Engine.Step(min(left, batch), l.kv).Seconds()
		left -= batch
	}
	return math.Inf(1)
}

func dynamoLoadSpec() Spec {
	return Spec{
		Name: "dynamo-load", Doc: "Dynamo planner: one more when all engines are late, one fewer when none would be",
		Source: "github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/load_scaling.py at 0c6da1e",
		Params: bounded("1",
			Param{Name: "ttft", Default: "500ms", Doc: "objective"},
			Param{Name: "itl", Default: "50ms", Doc: "objective"},
			Param{Name: "safety", Default: "0.8", Doc: "share of the objectives to keep when one leaves"},
			Param{Name: "easy", Default: "sla", Words: []string{"sla", "throughput", "latency"}, Doc: "objectives, or thresholds of the KV cache"},
			Param{Name: "every", Default: "5s", Doc: "load adjustment interval"},
		),
		build: func(v *values, f Facts) Law {
			return DynamoLoad{DynamoLoadConfig{
				Bounds: v.bounds(), TTFT: v.duration("ttft"), ITL: v.duration("itl"), Safety: v.number("safety"),
				Easy: v.word("easy"), Every: v.duration("every"), Engine: f.Engine,
			}}
		},
	}
}
