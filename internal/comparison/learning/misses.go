package learning

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law/promise"
)

// A Curve is the share that misses, by the rate of each of some replicas over the true
// capacity of one, in steps of a twentieth from 0.3.
type Curve struct {
	Name   string
	Shares []float64
}

const (
	firstLoad, loadStep = 0.7, 0.025
	loads               = 21 // to 1.2
)

func load(i int) float64 { return firstLoad + loadStep*float64(i) }

// Misses are the curves that the law had after some times of a service with four replicas,
// whose load goes through all of the curve in each two hours, and at the end the true one.
func (e Engine) Misses(seed uint64, after ...time.Duration) ([]Curve, error) {
	s := Service{Engine: e, Replicas: 4, Stages: "1m:1", Start: "schedule=1s load=1m ready=5s pulled", Steps: 1, Law: "flyball:prior=none"}
	truth, err := s.Capacity()
	if err != nil {
		return nil, err
	}
	var all []Curve
	whole := s
	whole.Stages = through(truth*float64(s.Replicas), after[len(after)-1])
	_, err = whole.play(seed, func(at time.Duration, known promise.State) {
		if len(all) < len(after) && at >= after[len(all)] {
			all = append(all, Curve{fmt.Sprintf("learned in %v h", after[len(all)].Hours()), curve(known, truth, s.Replicas)})
		}
	})
	if err != nil {
		return nil, err
	}
	actual := Curve{Name: "true"}
	for i := range loads {
		s.Stages = fmt.Sprintf("1h:%v", truth*load(i)*float64(s.Replicas))
		out, err := s.play(seed+1, nil)
		if err != nil {
			return nil, err
		}
		actual.Shares = append(actual.Shares, 1-out.Attainment)
	}
	return append(all, actual), nil
}

// through is a load that rises and falls for so long, between 0.5 and 1.1 of what there is, in
// stages of ten minutes.
func through(most float64, length time.Duration) string {
	const stage = 10 * time.Minute
	var all []string
	for at := time.Duration(0); at < length; at += stage {
		part := 0.8 - 0.3*math.Cos(2*math.Pi*at.Hours()/2)
		all = append(all, fmt.Sprintf("%v:%.4g", stage, most*part))
	}
	return strings.Join(append(all, fmt.Sprintf("%v:%.4g", stage, most*0.5)), "/")
}

// curve is what the law makes of each load.
func curve(known promise.State, truth float64, replicas int) (shares []float64) {
	calibrated := known.Curve.Calibrated()
	for i := range loads {
		used := load(i) * truth / known.Model.Capacity
		shares = append(shares, calibrated.Share(known.Model.Table.LogOdds(used, replicas)))
	}
	return shares
}
