package law

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Law maps what is seen to a wanted number of replicas. It is configuration alone:
// exported fields, no functions, so that it can be compared and written down.
type Law interface {
	// Name is by what catalog finds the types of the configuration and the state.
	Name() string
	// Needs are the signals that Step looks for among the readings.
	Needs() []reading.Signal
	// Step decides at in.Now. It returns what the law has to remember, and its
	// decision. It is called at the last Output's Next or later, the first time when
	// the service is created.
	Step(s State, in Input) (State, Output)
}

// State is what a law remembers: a value of one exported type of its own.
type State any

// Resume is the state of a law whose type is S; of another law's, or none, it is the
// zero value, which means from scratch.
func Resume[S any](s State) S {
	own, _ := s.(S)
	return own
}

// An Input is all that a law sees. Times count from the start of the run.
type Input struct {
	Now time.Duration
	// Phase is when, after the start, the control loops of the cluster first run; 0:
	// one period of theirs after it.
	Phase    time.Duration
	Fleet    Fleet
	Demand   demand.Demand
	Readings reading.Set // of which a law keeps nothing: it may be used again
	// Floor is what the guard asks for at least because requests are held; 0: nothing.
	Floor int
	// Limit is the most that there are GPUs for, no less than Fleet.Desired; nil: there are enough.
	Limit *int
}

// An Output is a law's decision.
type Output struct {
	Replicas int
	Reasons  []Reason
	Next     time.Duration // when the law wants to be stepped again
	// Floored says that the law has taken Input.Floor for its minimum, and acts on it
	// in its own time.
	Floored bool
	// Counted is what the law has seen of a promise that it keeps; 0: it keeps none.
	Counted Counted
}

// Counted is how a promise went since the last step.
type Counted struct {
	Promised float64 // share of requests that is to meet all objectives; 0: nothing is promised
	Requests float64 // that were judged
	Missed   float64 // of these, from 0 to all, that missed an objective, as far as histograms tell
}

// Start is the output before anything is decided: the replicas last asked for, and a
// step after a time.
func (in Input) Start(after time.Duration) Output {
	return Output{Replicas: max(in.Fleet.Desired, 0), Next: in.Now + max(after, time.Millisecond)}
}

// By lets a rule set the number: to what its formula makes of the number so far and the
// terms. The rule is noted if that is another number.
func (o Output) By(r Rule, terms ...Term) Output {
	if to := r.apply(o.Replicas, terms); to != o.Replicas {
		o.Reasons = append(slices.Clip(o.Reasons), Reason{r, o.Replicas, to, append([]Term(nil), terms...)})
		o.Replicas = to
	}
	return o
}

// Held notes that a rule kept the number as it was.
func (o Output) Held(r Rule, terms ...Term) Output {
	o.Reasons = append(slices.Clip(o.Reasons), Reason{r, o.Replicas, o.Replicas, append([]Term(nil), terms...)})
	return o
}

// Clamp notes the bound that acted.
func (o Output) Clamp(b Bounds) Output {
	if b.Clamp(o.Replicas) > o.Replicas {
		return o.By(RuleMinimum, Replicas(TermMinimum, b.Clamp(0)))
	}
	return o.By(RuleMaximum, Replicas(TermMaximum, b.Most()))
}

// Within notes that there are GPUs for no more; nil: for any number.
func (o Output) Within(limit *int) Output {
	if limit == nil {
		return o
	}
	return o.By(RuleBudget, Replicas(TermLimit, *limit))
}

// Delegated is the law of a service whose replicas are decided on the cluster, by KEDA
// and the HPA: it asks for what there is, and leaves the guard's floor to them.
type Delegated struct{}

// Name is delegated.
func (Delegated) Name() string { return "delegated" }

// Needs is nothing.
func (Delegated) Needs() []reading.Signal { return nil }

// Step asks for nothing of its own.
func (Delegated) Step(_ State, in Input) (State, Output) {
	out := in.Start(time.Hour)
	out.Floored = true
	return nil, out
}
