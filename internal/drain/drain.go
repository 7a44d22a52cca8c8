package drain

import (
	"fmt"
	"math"
	"time"
)

// Config bounds a drain. The zero value cuts what is in flight at once, as vLLM does at
// SIGTERM by default.
type Config struct {
	// Settle is how long routers may still send to a pod that terminates.
	Settle time.Duration
	// Quiet is how long the engine must be seen idle after that: its gauges do not
	// count a request yet that it has only begun to read.
	Quiet time.Duration
	// Bound is when the drain ends, whatever is still in flight.
	Bound time.Duration
}

// Validate refuses a bound that would cut every drain.
func (c Config) Validate() error {
	switch {
	case c.Settle < 0 || c.Quiet < 0:
		return fmt.Errorf("settle (%v) and quiet (%v) must not be negative", c.Settle, c.Quiet)
	case c.Bound < c.Settle || c.Bound-c.Settle < c.Quiet:
		return fmt.Errorf("bound is %v, must not be less than settle (%v) and quiet (%v) together", c.Bound, c.Settle, c.Quiet)
	}
	return nil
}

// A Reading is what the engine's own gauges say of requests running and waiting.
type Reading struct {
	Measured bool // false: the gauges could not be read
	InFlight int
}

// A Phase says whether a pod may go, and why or why not.
type Phase int

// What holds a pod, and what lets it go.
const (
	_        Phase = iota
	Settling       // routers may still send to it
	Busy           // requests are in flight
	Blind          // it is not known what is in flight
	Quieting       // idle, but not for long enough
	Drained        // it may go: nothing is in flight
	Overdue        // it may go: its time is up
	numPhases
)

// MayGo says whether the drain has ended.
func (p Phase) MayGo() bool { return p == Drained || p == Overdue }

func (p Phase) String() string {
	names := [numPhases]string{"invalid", "settling", "busy", "blind", "quieting", "drained", "overdue"}
	if p < 0 || p >= numPhases {
		return names[0]
	}
	return names[p]
}

// A Drain is one pod's way out. Its methods take the time on a clock of the
// caller's; a clock that runs backwards stands still here.
type Drain struct {
	config    Config
	began     time.Duration
	now       time.Duration
	idle      bool
	idleSince time.Duration
	ended     Phase
}

// Begin starts a drain at the moment the pod terminates.
func Begin(c Config, now time.Duration) (*Drain, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Drain{config: c, began: now, now: now}, nil
}

// Step takes a reading and says whether the pod may go. A reading that is missing
// starts the quiet time anew: what was not seen may have been busy.
func (d *Drain) Step(now time.Duration, r Reading) Phase {
	if d.ended != 0 {
		return d.ended
	}
	d.now = max(d.now, now)
	v := d.judge(r)
	if v.MayGo() {
		d.ended = v
	}
	return v
}

func (d *Drain) judge(r Reading) Phase {
	settled := since(d.began, d.now) >= d.config.Settle
	idle := settled && r.Measured && r.InFlight <= 0
	if idle && !d.idle {
		d.idleSince = d.now
	}
	d.idle = idle
	switch {
	case idle && since(d.idleSince, d.now) >= d.config.Quiet:
		return Drained
	case since(d.began, d.now) >= d.config.Bound:
		return Overdue
	case !settled:
		return Settling
	case !r.Measured:
		return Blind
	case !idle:
		return Busy
	}
	return Quieting
}

// Never is the time of what does not come.
const Never = time.Duration(math.MaxInt64)

// Next is when Step says something else though the reading stays as it was: Never once
// the drain has ended.
func (d *Drain) Next() time.Duration {
	switch settled := after(d.began, d.config.Settle); {
	case d.ended != 0:
		return Never
	case d.now < settled:
		return settled
	case d.idle:
		return min(after(d.idleSince, d.config.Quiet), after(d.began, d.config.Bound))
	}
	return after(d.began, d.config.Bound)
}

// after is a moment so much later, the last there is where that overflows.
func after(at, d time.Duration) time.Duration {
	if at > Never-d {
		return Never
	}
	return at + d
}

// since is the time from one moment to a later one, the longest there is where
// that overflows.
func since(from, to time.Duration) time.Duration {
	if d := to - from; d >= 0 {
		return d
	}
	return Never
}
