package learning

import (
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/law/promise"
)

// A Prior is what the law believes of an engine before it has seen it.
type Prior struct {
	Name, Law string
	Steps     float64 // times as long as is believed
}

// Priors are the cases of the page.
func Priors() []Prior {
	return []Prior{
		{"none", "flyball:prior=none", 1}, {"the profile", "flyball", 1},
		{"the profile of one twice as fast", "flyball", 2}, {"the profile of one half as fast", "flyball", 0.5},
	}
}

// An Estimate is a capacity as it was known at some time, over the true one.
type Estimate struct {
	At               time.Duration
	Value, Low, High float64 // 0: not known yet
}

// watched is for how long a service is looked at.
const watched = 15 * time.Minute

// Estimates are those of two replicas that are busy to three fifths, a minute apart.
func (e Engine) Estimates(p Prior, seed uint64) ([]Estimate, error) {
	s := Service{Engine: e, Replicas: 2, Stages: "1m:1", Start: "schedule=1s load=1m ready=5s pulled", Steps: p.Steps, Law: p.Law}
	truth, err := s.Capacity()
	if err != nil {
		return nil, err
	}
	if truth == 0 {
		return nil, fmt.Errorf("%s serves nothing of %d and %d tokens within %v and %v", e.Profile, e.Input, e.Output, e.TTFT, e.TPOT)
	}
	s.Stages = fmt.Sprintf("%v:%v", watched+time.Minute, 0.6*truth*float64(s.Replicas))
	var all []Estimate
	_, err = s.play(seed, func(at time.Duration, known promise.State) {
		if due := time.Duration(len(all)+1) * time.Minute; at >= due && due <= watched {
			m := known.Model
			all = append(all, Estimate{due, m.Within / truth, m.Low / truth, m.High / truth})
		}
	})
	return all, err
}
