package scenario

import (
	"iter"
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Arrivals are the requests with the times at which they would arrive if every
// replica were there, which is what stages that wait for each other depend on.
func (s Setup) Arrivals(seed uint64) iter.Seq2[workload.Request, time.Duration] {
	return func(yield func(workload.Request, time.Duration) bool) {
		var timeline workload.Timeline
		last := time.Duration(0)
		for r := range s.Workload.All(seed) {
			when := timeline.Arrival(r, last+s.Stay(r))
			if !yield(r, when) {
				return
			}
			last = when
		}
	}
}

// Stay is about how long a request takes on an engine that is not full.
func (s Setup) Stay(r workload.Request) time.Duration {
	step := s.Fleet.Engine.Duration(plant.Batch{Sequences: 32, Decodes: 32, DecodeContext: 32 * r.Input})
	return time.Duration(r.Output) * step
}

// A Demand is what arrives on average, by the first seed's arrivals.
type Demand struct {
	PerSecond float64
	Shape     law.Shape // the mean request
	Capacity  float64   // how many of it one replica serves per second within the objectives
}

// Demand of a workload in which nothing arrives is met by any capacity.
func (s Setup) Demand() Demand {
	n, in, out := 0.0, 0.0, 0.0
	for r := range s.Workload.All(SeedOf(1)) {
		n, in, out = n+1, in+float64(r.Input), out+float64(r.Output)
	}
	if n == 0 {
		return Demand{Capacity: math.Inf(1)}
	}
	shape := law.Shape{Input: in / n, Output: out / n}
	return Demand{n / s.Workload.Span.Seconds(), shape, s.Capacity(shape)}
}

// Capacity is that of one replica for a shape, to two digits, within the objectives.
func (s Setup) Capacity(shape law.Shape) float64 {
	shape.Input, shape.Output = roughly(shape.Input), roughly(shape.Output)
	return Capacity(s.Fleet.Engine, shape, within(score.Target(s.Terms.Objectives, score.TTFT), score.Target(s.Terms.Objectives, score.TPOT)))
}

// roughly rounds to two digits: more would only be the noise of a seed.
func roughly(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(x/unit) * unit
}
