package keda

import "time"

// Week is the round of a Clock.
const Week = 7 * 24 * time.Hour

// A Clock is what a cron trigger goes by: Replicas between its starts and its ends, and 0
// outside (github.com/kedacore/keda/v2/pkg/scalers/cron_scaler.go, at v2.21.0).
//
// Worked example (TestClock): a run begins on Monday at 06:00, and the trigger asks for 4
// from 08:00 to 18:00 on weekdays. It is off at first, and turns at 2 h, 12 h, 26 h, …: 0
// until 2 h, 4 until 12 h, 0 until 26 h, and the same again after a week.
type Clock struct {
	Replicas int
	On       bool            // at the start of the run
	Turns    []time.Duration // since the start of the run, within a week, in order
}

// Active says whether it is between a start and an end.
func (c Clock) Active(now time.Duration) bool {
	on, at := c.On, now%Week
	for _, turn := range c.Turns {
		if turn > at {
			break
		}
		on = !on
	}
	return on
}

// observe is what the trigger says.
func (c Clock) observe(now time.Duration) Observation {
	if !c.Active(now) {
		return Observation{}
	}
	return Observation{Value: int64(c.Replicas) * 1000, Active: true}
}
