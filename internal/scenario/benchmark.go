package scenario

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/dynamo"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/wva"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/score"
)

// informed puts into a law's configuration what it takes from the engine's command line,
// a benchmark, or hindsight.
func (s Setup) informed(l law.Law, seed uint64) law.Law {
	e := s.Fleet.Engine
	switch l := l.(type) {
	case keda.Law:
		// A service that is warm when the run begins was active until then.
		if s.Start > 0 {
			l.InitialCooldown = max(l.InitialCooldown, l.Cooldown)
		}
		return l
	case dynamo.Load:
		l.BatchTokens, l.Cost = e.MaxNumBatchedTokens, stepCost(e)
		return l
	case dynamo.SLA:
		l.Rates = s.rates(l.TTFT, l.ITL, SeedOf(seed))
		return l
	case promise.Law:
		return s.promised(l)
	case hpa.Relay[wva.V2, wva.V2State]:
		l.Law.MaxSeqs, l.Law.BatchTokens = e.MaxNumSeqs, e.MaxNumBatchedTokens
		return l
	}
	return l
}

// promised fills in the objectives, what the command line says, and what is known of the
// engine from its profile.
func (s Setup) promised(l promise.Law) promise.Law {
	l = l.Promising(s.Terms.Objectives)
	e := s.Fleet.Engine
	l.BatchTokens, l.CacheTokens, l.Ordered = e.MaxNumBatchedTokens, e.KVTokens, s.Fleet.Hold.ByPromise
	if l.Prior == (capacity.Prior{}) {
		l.Prior = s.prior()
	}
	return l
}

// prior is what is known of the engine from its profile.
func (s Setup) prior() capacity.Prior {
	const milli, micro, nano = 1e-3, 1e-6, 1e-9
	c := s.Fleet.Engine.Cost
	return capacity.Known(capacity.Costs{
		Step: c.AlphaDMillis * milli, Prompt: c.BetaMicros * micro,
		Sequence: (c.DeltaMMicros + c.HostMicros) * micro, Context: c.GammaDNanos * nano,
	})
}

// held fills in what the queue in front of the replicas goes by.
func (s Setup) held() plant.Hold {
	h := s.Fleet.Hold
	if h.ByPromise {
		h.TTFT, h.TPOT, h.Prior = score.Target(s.Terms.Objectives, score.TTFT), score.Target(s.Terms.Objectives, score.TPOT), s.prior()
	}
	return h
}

// stepCost is what a step costs that decodes one sequence, in seconds.
func stepCost(e plant.Config) dynamo.StepCost {
	const milli, micro, nano = 1e-3, 1e-6, 1e-9
	c := e.Cost
	decode := c.AlphaDMillis*milli + c.DeltaDMicros*micro
	scheduled := e.Duration(plant.Batch{Sequences: 1, Decodes: 1}).Seconds() - decode // by the host
	return dynamo.StepCost{
		Decode: dynamo.Line{Base: decode + scheduled, PerPrefill: c.DeltaDMicros * micro, PerKV: c.GammaDNanos * nano},
		Mixed: dynamo.Line{
			Base: c.AlphaMMillis*milli + c.DeltaMMicros*micro + scheduled, PerPrefill: c.BetaMicros * micro, PerKV: c.GammaMNanos * nano,
		},
	}
}

// rates benchmarks one replica on a grid of the shapes that the workload has in any five
// minutes, its points a factor of 1.4 apart. Where prompts share prefixes the grid begins
// at a fifth of the tokens in, for what the prefix cache may have.
func (s Setup) rates(ttft, itl time.Duration, seed uint64) dynamo.Rates {
	const window, most = 5 * time.Minute, 0.8
	type sum struct{ n, in, out float64 }
	var sums []sum
	shared := false
	for r, when := range s.Arrivals(seed) {
		for len(sums) <= int(when/window) {
			sums = append(sums, sum{})
		}
		one := &sums[when/window]
		one.n, one.in, one.out = one.n+1, one.in+float64(r.Input), one.out+float64(r.Output)
		shared = shared || len(r.Prefix) > 0
	}
	var in, out []float64
	for _, one := range sums {
		if one.n > 0 {
			in, out = append(in, one.in/one.n), append(out, one.out/one.n)
		}
	}
	if len(in) == 0 {
		return dynamo.Rates{}
	}
	least := slices.Min(in)
	if shared && s.Fleet.Engine.PrefixCaching {
		least *= 1 - most
	}
	grid := dynamo.Rates{Inputs: points(least, slices.Max(in)), Outputs: points(slices.Min(out), slices.Max(out))}
	for _, input := range grid.Inputs {
		for _, output := range grid.Outputs {
			grid.PerSecond = append(grid.PerSecond, Capacity(s.Fleet.Engine, law.Shape{Input: input, Output: output}, within(ttft, itl)))
		}
	}
	return grid
}

// points are from the least to the most or beyond it, a factor apart.
func points(least, most float64) []float64 {
	const factor = 1.4
	all := []float64{math.Max(least, 1)}
	for all[len(all)-1] < most {
		all = append(all, all[len(all)-1]*factor)
	}
	return all
}

// within are the objectives that a benchmark is to meet.
func within(ttft, tpot time.Duration) []score.Objective {
	return []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: ttft}, {Metric: score.TPOT, Quantile: .9, Target: tpot}}
}

// SeedOf is the workload's seed in a run.
func SeedOf(seed uint64) uint64 { return des.Stream(seed, "workload").Uint64() }

// probes is how many requests a rate is tried with: as many as arrive in 100 s, so that
// a queue that grows has the time to show.
func probes(rate float64) int { return min(max(400, int(100*rate)), 10000) }

// alone is the rate at which requests are taken to be alone: one in three hours.
const alone = 1e-4

// Capacity is the most requests per second of a shape that one engine serves so that
// the objectives are met, by Poisson arrivals, to within 2 %; 0 if it cannot serve one in
// three hours.
func Capacity(e plant.Config, shape law.Shape, objectives []score.Objective) float64 {
	meets := func(rate float64) bool { return serves(e, shape, objectives, rate) }
	low, high := 0.0, 0.05
	for !meets(high) {
		if high /= 8; high < alone {
			return 0
		}
	}
	for meets(high) && high < 1e4 {
		low, high = high, high*2
	}
	for high-low > .02*low {
		if mid := (low + high) / 2; meets(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func serves(e plant.Config, shape law.Shape, objectives []score.Objective, rate float64) bool {
	engine, err := plant.NewEngine(e)
	if err != nil {
		return false
	}
	random, n := rand.New(rand.NewPCG(1, 2)), probes(rate)
	rec := score.NewRecorder(score.Terms{Objectives: objectives})
	at := time.Duration(0)
	take := func(ended []plant.Finished) {
		for _, f := range ended {
			if f.ID > plant.ID(n/5) { // the engine has filled up by then
				rec.Request(score.Request{Arrival: f.Submitted, First: f.FirstToken, Last: f.LastToken, Output: f.Generated})
			}
		}
	}
	input := max(1, int(shape.Input*(1-shape.Hit)))
	for id := range plant.ID(n) {
		at += time.Duration(random.ExpFloat64() / rate * float64(time.Second))
		take(engine.Advance(at))
		if engine.Submit(at, plant.Request{ID: id + 1, PromptTokens: input, MaxTokens: max(1, int(shape.Output))}) != nil {
			return false
		}
	}
	take(engine.Advance(at + 24*time.Hour))
	return !slices.ContainsFunc(rec.Result(at).Objectives, func(s score.Served) bool { return !s.Met() })
}
