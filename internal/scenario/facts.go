package scenario

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// facts are what a law may be told. What only some laws ask for is found when asked.
func (s Setup) facts(phase time.Duration, seed uint64) law.Facts {
	e := s.Fleet.Engine
	best := s.bests()
	return law.Facts{
		ColdStart: s.Fleet.ColdStart.Mean(), Phase: phase, Series: s.Series,
		Needed: func() []law.Level { return s.needed(seedOf(seed), best) },
		Engine: law.Engine{
			MaxSeqs: e.MaxNumSeqs, BatchTokens: e.MaxNumBatchedTokens, KVTokens: e.KVTokens, Best: best,
			Step: func(prefill, kv float64) time.Duration {
				b := plant.Batch{PrefillTokens: int(prefill), DecodeContext: int(kv), Sequences: 1, Decodes: 1}
				return e.Duration(b)
			},
		},
	}
}

// seedOf is the workload's seed in a run.
func seedOf(seed uint64) uint64 { return des.Stream(seed, "workload").Uint64() }

// bests is the capacity of one replica, found once for each shape and limit.
func (s Setup) bests() func(law.Shape, time.Duration, time.Duration) float64 {
	type key struct {
		shape      law.Shape
		ttft, tpot time.Duration
	}
	known := map[key]float64{}
	return func(shape law.Shape, ttft, tpot time.Duration) float64 {
		k := key{law.Shape{Input: roughly(shape.Input), Output: roughly(shape.Output), Hit: math.Round(shape.Hit*20) / 20}, ttft, tpot}
		if _, ok := known[k]; !ok {
			known[k] = Capacity(s.Fleet.Engine, k.shape, []score.Objective{
				{Metric: score.TTFT, Quantile: .9, Target: ttft}, {Metric: score.TPOT, Quantile: .9, Target: tpot},
			})
		}
		return known[k]
	}
}

// roughly rounds to two digits, so that a capacity is not looked for again and again.
func roughly(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(x/unit) * unit
}

// probes is how many requests a rate is tried with: as many as arrive in 100 s, so that
// a queue that grows has the time to show.
func probes(rate float64) int { return min(max(400, int(100*rate)), 10000) }

// Capacity is the most requests per second of a shape that one engine serves so that
// the objectives are met, by Poisson arrivals, to within 2 %; 0 if it cannot serve any.
func Capacity(e plant.Config, shape law.Shape, objectives []score.Objective) float64 {
	meets := func(rate float64) bool { return serves(e, shape, objectives, rate) }
	low, high := 0.0, 0.05
	if !meets(high) {
		return 0
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

// needBin is the clairvoyant's resolution: about as long as a request stays.
const needBin = 30 * time.Second

// needed is how many replicas the arrivals need: in each half minute the work that
// arrives in it or in the one before, in shares of what one replica can do.
func (s Setup) needed(seed uint64, best func(law.Shape, time.Duration, time.Duration) float64) []law.Level {
	var at []time.Duration
	var in, out []float64
	for r, when := range s.arrivals(seed) {
		at, in, out = append(at, when), append(in, float64(r.Input)), append(out, float64(r.Output))
	}
	if len(at) == 0 {
		return nil
	}
	shape := law.Shape{Input: mean(in), Output: mean(out)}
	capacity := best(shape, s.target(score.TTFT), s.target(score.TPOT))
	if capacity == 0 {
		return []law.Level{{Replicas: s.Fleet.Capacity()}}
	}
	work := make([]float64, at[len(at)-1]/needBin+2)
	for i, when := range at {
		share := (in[i]/shape.Input + out[i]/shape.Output) / 2 / (capacity * needBin.Seconds())
		work[when/needBin] += share
	}
	var levels []law.Level
	for i, w := range work {
		if i > 0 {
			w = max(w, work[i-1])
		}
		levels = append(levels, law.Level{From: time.Duration(i) * needBin, Replicas: int(math.Ceil(w))})
	}
	return append(levels, law.Level{From: time.Duration(len(work)) * needBin})
}

// arrivals are the requests with the times at which they would arrive if every
// replica were there, which is what stages that wait for each other depend on.
func (s Setup) arrivals(seed uint64) iter.Seq2[workload.Request, time.Duration] {
	return func(yield func(workload.Request, time.Duration) bool) {
		var timeline workload.Timeline
		last := time.Duration(0)
		for r := range s.Workload.All(seed) {
			when := timeline.Arrival(r, last+s.stay(r))
			if !yield(r, when) {
				return
			}
			last = when
		}
	}
}

// stay is about how long a request takes on an engine that is not full.
func (s Setup) stay(r workload.Request) time.Duration {
	step := s.Fleet.Engine.Duration(plant.Batch{Sequences: 32, Decodes: 32, DecodeContext: 32 * r.Input})
	return time.Duration(r.Output) * step
}

func (s Setup) target(m score.Metric) time.Duration {
	least := time.Hour
	for _, o := range s.Terms.Objectives {
		if o.Metric == m {
			least = min(least, o.Target)
		}
	}
	return least
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

// Demand is how many requests arrive per second on average, and how many of the mean
// request one replica serves within the objectives, by the first seed's arrivals.
func (s Setup) Demand() (rate, capacity float64) {
	n, in, out := 0.0, 0.0, 0.0
	for r := range s.Workload.All(seedOf(1)) {
		n, in, out = n+1, in+float64(r.Input), out+float64(r.Output)
	}
	if n == 0 {
		return 0, math.Inf(1)
	}
	return n / s.Workload.Span.Seconds(), s.bests()(law.Shape{Input: in / n, Output: out / n}, s.target(score.TTFT), s.target(score.TPOT))
}
