package guard

import "time"

// A Patience is how long the wake of a service from zero may take to its first ready
// replica, and how long the service is then kept at zero: twice as long with each failure
// in a row. The zero value never gives up.
type Patience struct {
	Ready                time.Duration // a large model is pulled and loaded in less
	Crashing             time.Duration // while every replica crashes, or cannot get its image
	BackOff, MostBackOff time.Duration
}

// A Phase is how far a wake is.
type Phase uint8

// The phases.
const (
	Resting Phase = iota // nothing is asked for, or a replica has been ready
	Waking
	Parked // it has failed, and its replicas are given back
)

// An Attempt is how the wake of a service from zero goes. A service with a ready replica
// is never parked.
//
//	was      a replica is ready  some are asked for  for longer than Patience  → is
//	any      yes                 –                   –                         Resting, no failure
//	Parked   no                  –                   until At                  Parked
//	any      no                  no                  –                         Resting
//	Resting  no                  yes                 –                         Waking, since now
//	Waking   no                  yes                 no                        Waking
//	Waking   no                  yes                 yes                       Parked, one failure more
//
// Worked example (TestAttemptWorkedExample): replicas are asked for at 0 s and all crash.
// At 600 s they are given back until 900 s. They are asked for at 950 s, crash again, and
// are given back at 1550 s until 2150 s. One is ready at 2300 s: the next failure is a
// first one.
type Attempt struct {
	Phase    Phase         `json:",omitempty"`
	At       time.Duration `json:",omitempty"` // since when it is waking, or until when it is parked
	Failures int           `json:",omitempty"` // in a row
}

// A View is what the guard sees of a service's replicas.
type View struct {
	Now            time.Duration
	Desired, Ready int
	Crashing       bool // each that there is crashes, or cannot get its image
	Unplaced       int  // no node has taken them
	Overdue        int  // of these, for longer than Wake.Place
}

// Next is the attempt after what is seen; asked: replicas are asked for.
func (a Attempt) Next(p Patience, v View, asked bool) Attempt {
	limit := p.Ready
	if v.Crashing {
		limit = p.Crashing
	}
	switch {
	case v.Ready > 0 || p == Patience{}:
		return Attempt{}
	case a.Phase == Parked && v.Now < a.At:
		return a
	case !asked:
		return Attempt{Failures: a.Failures}
	case a.Phase != Waking:
		return Attempt{Waking, v.Now, a.Failures}
	case v.Now-a.At < limit:
		return a
	}
	return Attempt{Parked, v.Now + p.backOff(a.Failures), a.Failures + 1}
}

func (p Patience) backOff(failures int) time.Duration {
	return min(p.MostBackOff, p.BackOff<<min(failures, 10))
}

// Due is how long the attempt can stay without another look, and whether it asks for one.
func (a Attempt) Due(p Patience, v View) (time.Duration, bool) {
	until := a.At
	switch {
	case a.Phase == Resting:
		return 0, false
	case a.Phase == Waking && v.Crashing:
		until += p.Crashing
	case a.Phase == Waking:
		until += p.Ready
	}
	return max(time.Millisecond, until-v.Now), true
}
