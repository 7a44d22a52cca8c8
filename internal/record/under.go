package record

import (
	"fmt"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// An Alternative is what another policy would have asked for, of the same readings. It did
// not act: the fleet and the readings are those of the number that was asked for, so that
// the further the two are apart the less it says.
type Alternative struct {
	Service  string
	From, To time.Duration
	Steps    int
	Differ   int     // steps at which the numbers are not the same
	More     int     // of those, at which it asks for more
	Recorded float64 // replica-hours asked for
	Would    float64
	Runs     []Run // in which the numbers are not the same
}

// A Run is a time in which two numbers are not the same.
type Run struct {
	From, To        time.Duration
	Recorded, Would int // at its beginning
}

// runs is how many are kept of a service.
const runs = 1000

// alternative is a service under way.
type alternative struct {
	Alternative
	state           decide.State
	policy          decide.Policy
	due             time.Duration
	recorded, would int
	differs         bool
}

// Under steps another policy on what the record's saw: the one that other makes of the
// record's. It is stepped when it is due and something was recorded, and is told that what
// it asked for last is what there should be.
func Under(r *Reader, other func(decide.Policy) (decide.Policy, error)) ([]Alternative, error) {
	services := newTally(func(name string) *alternative { return &alternative{Alternative: Alternative{Service: name}} })
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if e.Brief {
			return nil, ErrBrief
		}
		a := services.of(e.Service)
		if e.Checkpoint {
			var err error
			if a.policy, err = other(e.Policy); err != nil {
				return nil, err
			}
			if err := readable(a.policy, e); err != nil {
				return nil, err
			}
		}
		a.step(e)
	}
	var all []Alternative
	for _, a := range services.all {
		all = append(all, a.Alternative)
	}
	return all, nil
}

// readable refuses a law that reads what the record's own does not: it is not there.
func readable(p decide.Policy, e Entry) error {
	if len(p.Queries) > 0 {
		return fmt.Errorf("law %s asks Prometheus %q, which a record cannot answer", p.Law.Name(), p.Queries[0])
	}
	var has []reading.Signal
	if e.Policy.Law != nil {
		has = e.Policy.Law.Needs()
	}
	for _, signal := range p.Law.Needs() {
		if signal != reading.SignalUnset && !slices.Contains(has, signal) {
			return fmt.Errorf("law %s reads %s, which is not in the record of %s: it has what %s reads", p.Law.Name(), signal, e.Service, nameOf(e.Policy.Law))
		}
	}
	return nil
}

func nameOf(l law.Law) string {
	if l == nil {
		return law.Delegated{}.Name()
	}
	return l.Name()
}

func (a *alternative) step(e Entry) {
	now := e.Now()
	if a.Steps == 0 {
		a.From, a.would = now, e.Input.Fleet.Desired
	} else {
		hours := (now - a.To).Hours()
		a.Recorded += float64(a.recorded) * hours
		a.Would += float64(a.would) * hours
	}
	a.To = now
	a.Steps++
	if now >= a.due {
		in := e.Input
		in.Fleet.Desired = a.would
		next, d := decide.Step(a.policy, a.state, in)
		a.state, a.would, a.due = next, d.Replicas, d.Next
	}
	a.recorded = e.Decision.Replicas
	a.compare(now)
}

func (a *alternative) compare(now time.Duration) {
	differs := a.would != a.recorded
	if differs {
		a.Differ++
	}
	if a.would > a.recorded {
		a.More++
	}
	if differs && !a.differs && len(a.Runs) < runs {
		a.Runs = append(a.Runs, Run{now, now, a.recorded, a.would})
	}
	if n := len(a.Runs); n > 0 && (differs || a.differs) && n < runs {
		a.Runs[n-1].To = now
	}
	a.differs = differs
}
