package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
)

// Resumed is the state for who goes on with it at a time, after a gap of which nothing is
// known: what has been learned stays, and what was counted up to the last reading, or waited
// for, begins anew. So nothing is let go for what was not needed before the gap.
func (s State) Resumed(now time.Duration) State {
	s.Began, s.Read, s.Every = now, 0, 0
	s.Pods, s.Rest, s.Front, s.Minutes = nil, Counts{}, Front{}, [2]Minute{}
	s.Demand.Rate, s.Demand.Levels = forecast.Rate{}, nil
	s.Hold, s.Gaps.Quiet = Hold{}, false
	return s
}
