package learning

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/plant"
)

// A Start is how long one takes, as known from so many.
type Start struct {
	From        int
	Median, P90 time.Duration
}

// Starts are what is known of a start after each of those that a service had, and the truth.
func (e Engine) Starts(seed uint64) (known []Start, truth Start, err error) {
	s := Service{
		Engine: e, Replicas: 1, Most: 6, Stages: "1m:1", Steps: 1, Law: "flyball:prior=none",
		Start: "schedule=2s load=95s±0.3 ready=5s pulled",
	}
	each, err := s.Capacity()
	if err != nil {
		return nil, Start{}, err
	}
	var stages []string
	for range 12 {
		stages = append(stages, fmt.Sprintf("15m:%.4g/15m:%.4g", 0.5*each, 3.5*each))
	}
	s.Stages = strings.Join(stages, "/")
	_, err = s.play(seed, func(_ time.Duration, state promise.State) {
		t := &state.Times
		if n := t.Seen[capacity.Start]; len(known) == 0 || n > known[len(known)-1].From {
			known = append(known, Start{n, t.Quantile(capacity.Start, 0.5), t.Quantile(capacity.Start, 0.9)})
		}
	})
	if err != nil {
		return nil, Start{}, err
	}
	f, err := s.file()
	if err != nil {
		return nil, Start{}, err
	}
	return known, trueStart(f.Setup.Fleet.ColdStart), nil
}

// trueStart is of a start of which only the load of the weights varies: lognormal.
func trueStart(c plant.ColdStart) Start {
	load := c.Load
	rest := c.Mean() - load.Mean
	variance := math.Log1p(load.CV * load.CV)
	at := func(deviations float64) time.Duration {
		return rest + time.Duration(float64(load.Mean)*math.Exp(deviations*math.Sqrt(variance)-variance/2))
	}
	const p90 = 1.2816 // deviations
	return Start{Median: at(0), P90: at(p90)}
}
