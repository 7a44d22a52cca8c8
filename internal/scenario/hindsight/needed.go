package hindsight

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
)

// needBin is the clairvoyant's resolution: about as long as a request stays.
const needBin = 30 * time.Second

// needed is how many replicas the arrivals need: in each half minute the work that
// arrives in it or in the one before, in shares of what one replica can do.
func needed(s scenario.Setup, seed uint64) reference.Plan {
	var at []time.Duration
	var in, out []float64
	for r, when := range s.Arrivals(scenario.SeedOf(seed)) {
		at, in, out = append(at, when), append(in, float64(r.Input)), append(out, float64(r.Output))
	}
	if len(at) == 0 {
		return reference.Always(0)
	}
	shape := law.Shape{Input: mean(in), Output: mean(out)}
	capacity := s.Capacity(shape)
	if capacity == 0 {
		return reference.Always(s.Fleet.Capacity())
	}
	work := make([]float64, at[len(at)-1]/needBin+2)
	for i, when := range at {
		share := (in[i]/shape.Input + out[i]/shape.Output) / 2 / (capacity * needBin.Seconds())
		work[when/needBin] += share
	}
	levels := reference.Always(0)
	for i, w := range work {
		if i > 0 {
			w = max(w, work[i-1])
		}
		levels = levels.Add(time.Duration(i)*needBin, int(math.Ceil(w)))
	}
	return levels.Add(time.Duration(len(work))*needBin, 0)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}
