package scenario

import (
	"math"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Column is one value that an engine exposes at a scrape.
type Column struct {
	Family reading.Family
	Part   Part
	Upper  float64       // of a bucket: its bound, infinite for the last
	Ending plant.Outcome // of reading.EndedRequests: of which the requests are
}

// A Part is which series of a family a column is.
type Part int

// The parts.
const (
	PartUnset Part = iota
	Whole          // a gauge or a counter
	Bucket         // of a histogram: those up to Upper
	Sum            // of a histogram
	Count          // of a histogram
)

// Exposed are the columns of an engine, in the order of the values that a PromQL is
// given. A vLLM has more; a query for one of those has no answer here, and the caller
// says so before it runs.
func Exposed() []Column {
	var all []Column
	for _, f := range []reading.Family{
		reading.EngineRunning, reading.EngineWaiting, reading.CacheUsage, reading.PromptTotal, reading.OutputTotal,
		reading.CacheQueries, reading.CacheHits, reading.Preemptions,
	} {
		all = append(all, Column{Family: f, Part: Whole})
	}
	for _, ending := range []plant.Outcome{plant.Stop, plant.Length, plant.Aborted} {
		all = append(all, Column{Family: reading.EndedRequests, Part: Whole, Ending: ending})
	}
	for _, h := range []struct {
		family reading.Family
		upper  []float64
	}{
		{reading.FirstToken, plant.TTFTBuckets()}, {reading.InterToken, plant.TokenBuckets()}, {reading.PerToken, plant.TokenBuckets()},
		{reading.EndToEnd, plant.RequestBuckets()}, {reading.QueueTime, plant.RequestBuckets()},
	} {
		for _, u := range append(h.upper, math.Inf(1)) {
			all = append(all, Column{Family: h.family, Part: Bucket, Upper: u})
		}
		all = append(all, Column{Family: h.family, Part: Sum}, Column{Family: h.family, Part: Count})
	}
	return all
}

// expose appends the values of Exposed.
func expose(values []float64, s sample) []float64 {
	m := s.meter
	values = append(values,
		float64(s.load.Running), float64(s.load.Waiting), float64(s.load.UsedBlocks)/float64(max(1, s.load.TotalBlocks)),
		float64(m.PromptTokens), float64(m.GenerationTokens), float64(m.CacheQueries), float64(m.CacheHits), float64(m.Preemptions),
		float64(m.Ended[plant.Stop]), float64(m.Ended[plant.Length]), float64(m.Ended[plant.Aborted]),
	)
	for _, h := range []*plant.Histogram{&m.TTFT, &m.ITL, &m.TPOT, &m.E2E, &m.Queue} {
		sum := 0.0
		for _, n := range h.Counts {
			sum += float64(n)
			values = append(values, sum)
		}
		values = append(values, h.Sum.Seconds(), math.Round(sum))
	}
	return values
}
