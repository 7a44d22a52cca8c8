package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
)

// risks are how demand may rise by when what is asked for now serves, and at any time on
// the way through a start and a drain: what must be kept, because it would be missed
// before it could be had again.
//
// Worked example (TestRisks): demand 2.8 replicas and, at this time of day, a rise to 4.3
// within the lead time, expected with a weight of 0.9: the base is 2.8^¾ + 0.9·(4.3^¾ −
// 2.8^¾) = 2.90, a demand of 4.13, and the rises are those beyond what the season expects.
func (d *decision) risks() {
	demand, now := &d.Demand, d.Read
	scale := forecast.Power(1 / max(d.Model.Capacity, 1e-9))
	power, _ := demand.level(now-reference, now)
	base := power * scale
	lead, way := d.lead(), d.breakEven()
	if rise, ok := demand.expected(d.State, now, scale, false); ok {
		d.up.set(max(base+rise, 0), demand.SeasonUp.Within(lead, d.up.rise[:0]))
	} else {
		d.up.set(base, demand.Up.Within(lead, d.up.rise[:0]))
	}
	if rise, ok := demand.expected(d.State, now, scale, true); ok {
		d.way.set(base+rise, demand.SeasonWay.Within(way, d.way.rise[:0]))
	} else {
		d.way.set(base, demand.Way.Within(way, d.way.rise[:0]))
	}
}

// breakEven is for how long a replica must not be needed to be let go: what a start and a
// drain take.
func (s *State) breakEven() time.Duration { return s.lead() + s.out() }
