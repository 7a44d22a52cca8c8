package decide

import (
	"time"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Policy is how a service is to be scaled.
type Policy struct {
	Law     law.Law  // nil: law.Delegated
	Queries []string // behind reading.Query
	// Bounds narrow whatever the law wants; a law has its own besides.
	Bounds law.Bounds
	Wake   *guard.Wake // nil: nothing wakes it but its law
	// Phase is when, after the start, the control loops of the cluster first run; 0:
	// one period of theirs after it.
	Phase time.Duration
	// Settle is how long, from its first step on, no fewer replicas are asked for: who has
	// just begun, or has taken over, has seen too little to let one go.
	Settle time.Duration
}

func (p Policy) law() law.Law {
	if p.Law == nil {
		return law.Delegated{}
	}
	return p.Law
}

// A State is what must be remembered between two steps. The zero value is from scratch.
type State struct {
	Name   string    // of the law whose state this is
	Law    law.State // nil: from scratch
	Raised int       // minimum, by the wake; 0: it is not raised
	// Attempt is how the wake of a service with a minimum of 0 goes.
	Attempt guard.Attempt
	// Settled is when Settle is over; 0: it has not begun.
	Settled time.Duration
}

// Restarted is the state for a process that goes on where another one, or it itself, has ended:
// Settle begins anew.
func (s State) Restarted() State {
	s.Settled = 0
	return s
}

// Resumed is that after a gap of which nothing is known.
func (s State) Resumed(now time.Duration) State {
	s = s.Restarted()
	if own, ok := s.Law.(promise.State); ok {
		s.Law = own.Resumed(now)
	}
	return s
}

// An Input is all that a step sees. Times count from the start of the run.
type Input struct {
	Now      time.Duration
	Readings reading.Set // of what the law needs; nothing of it is kept
	Fleet    law.Fleet
	Demand   demand.Demand
	// Grant is how many replicas there are GPUs for; nil: enough for what is wanted.
	Grant *budget.Grant
}

// limit is the most replicas that a grant allows: those that there are stay.
func (in Input) limit() *int {
	if in.Grant == nil {
		return nil
	}
	return new(max(in.Grant.Replicas, in.Fleet.Desired, 0))
}

// A Decision is what is to be done.
type Decision struct {
	Replicas int
	// Floor is the least that is asked for because requests are held, with activation
	// forced; 0: nothing. Where the law is the cluster's it is all that is decided.
	Floor   int
	Reasons []law.Reason
	Next    time.Duration // when the next step is due
	On      Events        // that ask for a step at once
	// Counted is the law's, of the readings since the last step. It is not written down.
	Counted law.Counted
}

// Events are kinds of news.
type Events uint8

// The events.
const (
	// FirstHeld is that a request is held, where none was.
	FirstHeld Events = 1 << iota
)

// Has says whether an event is among them.
func (e Events) Has(event Events) bool { return e&event != 0 }

// Step decides.
func Step(p Policy, s State, in Input) (State, Decision) {
	l := p.law()
	next, d := State{Name: l.Name(), Settled: s.Settled}, Decision{}
	if p.Settle > 0 && next.Settled == 0 {
		next.Settled = in.Now + p.Settle
	}
	if p.Wake != nil {
		next.Raised, next.Attempt = p.wake(s, in)
		d.On = FirstHeld
	}
	memory, foreign := s.Law, s.Law != nil && s.Name != next.Name
	if foreign {
		memory = nil
	}
	var out law.Output
	next.Law, out = l.Step(memory, law.Input{
		Now: in.Now, Phase: p.Phase, Fleet: in.Fleet, Demand: in.Demand, Readings: in.Readings, Floor: next.Raised, Limit: in.limit(),
	})
	out = p.narrow(out, next, in)
	d.Replicas, d.Floor, d.Reasons, d.Next, d.Counted = out.Replicas, next.Raised, out.Reasons, out.Next, out.Counted
	if foreign {
		d.Reasons = append([]law.Reason{{Rule: law.RuleScratch, From: in.Fleet.Desired, To: in.Fleet.Desired}}, d.Reasons...)
	}
	if next.Raised > 0 {
		d.Next = min(d.Next, in.Now+max(p.Wake.Due(in.Demand), time.Millisecond))
	}
	if p.Wake != nil {
		if due, looks := next.Attempt.Due(p.Wake.Patience, p.view(in)); looks {
			d.Next = min(d.Next, in.Now+due)
		}
	}
	return next, d
}

// narrow is what is left of what the law wants: the wake, Settle, the bounds and the budget act
// on it.
func (p Policy) narrow(out law.Output, next State, in Input) law.Output {
	if !out.Floored {
		out = out.By(law.RuleFloor, law.Replicas(law.TermFloor, next.Raised))
	}
	if p.Settle > 0 && in.Now < next.Settled {
		out = out.By(law.RuleSettle, law.Replicas(law.TermDesired, in.Fleet.Desired), law.Seconds(law.TermWait, next.Settled-in.Now))
	}
	bounds, limit := p.Bounds, in.limit()
	if limit != nil {
		bounds.Min = min(bounds.Min, *limit)
	}
	out = out.Clamp(bounds).Within(limit)
	if next.Attempt.Phase == guard.Parked {
		out = out.By(law.RuleParked, law.Replicas(law.TermReplicas, 0))
	}
	return out
}

// wake is the minimum that the held requests ask for, and how the wake goes.
func (p Policy) wake(s State, in Input) (raised int, a guard.Attempt) {
	view, least := p.view(in), p.Bounds.Least()
	raised = p.Wake.Raise(s.Raised, in.Demand, least, p.Wake.Room(view, least, p.Bounds.Most()))
	if least > 0 {
		return raised, a
	}
	if a = s.Attempt.Next(p.Wake.Patience, view, raised > 0 || in.Fleet.Desired > 0); a.Phase == guard.Parked {
		raised = 0
	}
	return raised, a
}

// view is what the guard sees of the fleet.
func (p Policy) view(in Input) guard.View {
	v := guard.View{Now: in.Now, Desired: in.Fleet.Desired, Ready: in.Fleet.Ready, Crashing: in.Fleet.Crashing, Unplaced: in.Fleet.Pending}
	for _, pod := range in.Fleet.Pods {
		if pod.Unplaced() && in.Now-pod.CreatedAt > p.Wake.Place {
			v.Overdue++
		}
	}
	return v
}
