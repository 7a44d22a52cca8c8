package dynamo

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Load is the load mode of Dynamo's planner for one pool that prefills and decodes
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
// Worked example (TestLoadWorkedExample): 2 engines, a step of 10 ms + 0.1 ms per
// prompt token, B = 2048: 10,000 queued tokens and 1,000 of its own are 6 steps, 1.16 s;
// above 500 ms in both: 3.
type Load struct {
	law.Bounds
	TTFT, ITL   time.Duration
	Safety      float64 // load_scaling_down_sensitivity
	Easy        string  // sla, throughput or latency
	Every       time.Duration
	BatchTokens int      // --max-num-batched-tokens
	Cost        StepCost // zero: not known
}

// A StepCost is how long an iteration takes, in seconds: Decode, or the longer of it and
// Mixed while there are new tokens of prompts.
type StepCost struct{ Decode, Mixed Line }

// A Line is a time that grows with the new tokens of prompts and with the tokens that
// the sequences in decode hold.
type Line struct{ Base, PerPrefill, PerKV float64 }

func (l Line) at(prefill, kv float64) float64 { return l.Base + l.PerPrefill*prefill + l.PerKV*kv }

func (c StepCost) at(prefill, kv float64) float64 {
	if prefill > 0 {
		return max(c.Decode.at(prefill, kv), c.Mixed.at(prefill, kv))
	}
	return c.Decode.at(0, kv)
}

// A load is what one engine has to do, in tokens.
type load struct{ queued, kv, cache float64 }

// Name is dynamo-load.
func (c Load) Name() string { return "dynamo-load" }

// Needs are the queues, the caches and the shape.
func (c Load) Needs() []reading.Signal {
	return []reading.Signal{
		reading.Waiting, reading.KVUsage, reading.KVCapacity, reading.MeanInput, reading.MeanOutput, reading.HitShare,
	}
}

// Step is one interval. It remembers nothing.
func (c Load) Step(_ law.State, in law.Input) (law.State, law.Output) {
	out := in.Start(max(c.Every, time.Second))
	if in.Fleet.Pending+in.Fleet.Starting > 0 || in.Fleet.Desired != in.Fleet.Ready {
		return nil, out.Held(law.RuleScaling).Clamp(c.Bounds)
	}
	s := in.Shape()
	loads := c.loads(in, s)
	switch {
	case len(loads) == 0 || len(loads) != in.Fleet.Ready || s.Input <= 0:
		return nil, out.Held(law.RuleNoData).Clamp(c.Bounds)
	case c.Easy != "sla":
		out = c.easy(loads, out)
	case c.Cost == StepCost{} || c.BatchTokens <= 0:
		return nil, out.Held(law.RuleNoModel).Clamp(c.Bounds)
	default:
		out = c.latencies(loads, s, out)
	}
	return nil, out.Clamp(c.Bounds)
}

func (c Load) loads(in law.Input, s law.Shape) []load {
	loads := make([]load, 0, len(in.Fleet.Pods))
	for row := range in.Rows(reading.Waiting, reading.KVUsage, reading.KVCapacity) {
		if row[2] > 0 {
			loads = append(loads, load{row[0] * s.Input, row[1] * row[2], row[2]})
		}
	}
	return loads
}

func (c Load) easy(loads []load, out law.Output) law.Output {
	up, down := 1.0, 0.6
	if c.Easy == "latency" {
		up, down = 0.4, 0.1
	}
	most := 0.0
	for _, l := range loads {
		most = max(most, (l.kv+l.queued)/l.cache)
	}
	fullest := law.Known(law.TermUsage, most, law.UnitShare)
	switch {
	case most > up:
		return out.By(law.RuleOneAbove, fullest, law.Known(law.TermThreshold, up, law.UnitShare))
	case most < down && len(loads) > 1:
		return out.By(law.RuleAllBelow, fullest, law.Known(law.TermThreshold, down, law.UnitShare))
	}
	return out
}

func (c Load) latencies(loads []load, s law.Shape, out law.Output) law.Output {
	n := float64(len(loads))
	ttft, itl, mayLeave := math.Inf(1), math.Inf(1), n > 1 // of the engine that is least late
	for _, l := range loads {
		ttft, itl = min(ttft, c.ttft(l, s)), min(itl, c.Cost.at(0, l.kv))
		if mayLeave {
			mayLeave = c.fits(load{math.Floor(l.queued * n / (n - 1)), math.Floor(l.kv * n / (n - 1)), l.cache}, s)
		}
	}
	first, between := law.Known(law.TermTTFT, ttft, law.UnitSeconds), law.Known(law.TermITL, itl, law.UnitSeconds)
	switch {
	case ttft > c.TTFT.Seconds():
		return out.By(law.RuleLateTTFT, first, law.Seconds(law.TermObjective, c.TTFT))
	case itl > c.ITL.Seconds():
		return out.By(law.RuleLateITL, between, law.Seconds(law.TermObjective, c.ITL))
	case mayLeave:
		return out.By(law.RuleKept, first, between)
	}
	return out
}

// fits says whether the load of one engine more leaves both objectives safe.
func (c Load) fits(l load, s law.Shape) bool {
	own := c.ttft(load{kv: l.kv}, s)
	budget := (c.TTFT.Seconds() - own) * c.Safety
	all := l.kv + l.queued
	return budget > 0 && c.ttft(l, s)-own < budget && all < l.cache && c.Cost.at(0, all) < c.ITL.Seconds()*c.Safety
}

// ttft is how long the queue and a prompt of its own take, in seconds. What would be
// more than a thousand steps is late beyond any objective.
func (c Load) ttft(l load, s law.Shape) float64 {
	left, batch, total := (l.queued+s.Input)*(1-s.Hit), float64(c.BatchTokens), 0.0
	for range 1000 {
		if left <= 0 {
			return total
		}
		total += c.Cost.at(min(left, batch), l.kv)
		left -= batch
	}
	return math.Inf(1)
}

// LoadSpec describes it. What an engine can do is put in before the run.
func LoadSpec() spec.Spec {
	return spec.Spec{
		Name: "dynamo-load", Doc: "Dynamo planner: one more when all engines are late, one fewer when none would be",
		Source: "github.com/ai-dynamo/dynamo components/src/dynamo/planner/core/load_scaling.py at 0c6da1e",
		Params: spec.Bounded("1",
			spec.Param{Name: "ttft", Default: "500ms", Doc: "objective"},
			spec.Param{Name: "itl", Default: "50ms", Doc: "objective"},
			spec.Param{Name: "safety", Default: "0.8", Doc: "share of the objectives to keep when one leaves"},
			spec.Param{Name: "easy", Default: "sla", Words: []string{"sla", "throughput", "latency"}, Doc: "objectives, or thresholds of the KV cache"},
			spec.Param{Name: "every", Default: "5s", Doc: "load adjustment interval"},
		),
		Build: func(v *spec.Values) law.Law {
			return Load{
				Bounds: v.Bounds(), TTFT: v.Duration("ttft"), ITL: v.Duration("itl"), Safety: v.Number("safety"),
				Easy: v.Word("easy"), Every: v.Duration("every"),
			}
		},
	}
}
