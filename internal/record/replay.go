package record

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
)

// ErrBrief is of a record that keeps decisions without what they were made of.
var ErrBrief = errors.New("the record keeps no inputs")

// A Replayed is what became of a service's decisions, made again.
type Replayed struct {
	Service         string
	From, To        time.Duration
	Decisions, Same int
	// States are checkpoints within what one writer wrote, and SameStates those at which
	// replaying comes to what had been remembered. It goes on from each as it was written.
	States, SameStates int
	First              *Difference // nil: there is none
}

// Identical says whether all is as it was recorded.
func (r Replayed) Identical() bool { return r.Same == r.Decisions && r.SameStates == r.States }

// A Difference is a decision that is not made again as it was recorded.
type Difference struct {
	Place
	At       time.Duration
	Recorded decide.Decision
	Replayed decide.Decision
	State    bool // it is the state before that differs, and the decisions need not
}

// replaying is a service under way.
type replaying struct {
	Replayed
	state decide.State
}

// Replay makes every decision again, and compares it with the one of the record.
func Replay(r *Reader) ([]Replayed, error) {
	services := newTally(func(name string) *replaying { return &replaying{Replayed: Replayed{Service: name}} })
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if e.Brief {
			return nil, ErrBrief
		}
		if err := services.of(e.Service).step(e); err != nil {
			return nil, err
		}
	}
	var all []Replayed
	for _, s := range services.all {
		all = append(all, s.Replayed)
	}
	return all, nil
}

func (r *replaying) step(e Entry) error {
	if r.Decisions == 0 {
		r.From = e.Now()
	}
	r.To = e.Now()
	if e.Checkpoint {
		if err := r.resume(e); err != nil {
			return err
		}
	}
	next, d := decide.Step(e.Policy, r.state, e.Input)
	r.state = next
	r.Decisions++
	if Same(d, e.Decision) {
		r.Same++
	} else if r.First == nil {
		r.First = &Difference{Place: e.Place, At: e.Now(), Recorded: e.Decision, Replayed: d}
	}
	return nil
}

// resume goes on from the state of a checkpoint. One that begins from scratch is not what
// was remembered before, and need not be.
func (r *replaying) resume(e Entry) error {
	if !e.Begins && e.State.Law != nil {
		r.States++
		same, err := sameState(r.state, e.State)
		if err != nil {
			return err
		}
		if same {
			r.SameStates++
		} else if r.First == nil {
			r.First = &Difference{Place: e.Place, At: e.Now(), State: true}
		}
	}
	r.state = e.State
	return nil
}

func sameState(a, b decide.State) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return string(x) == string(y), err
}

// tally has one of something for each service, in the order in which they were met.
type tally[T any] struct {
	begin func(name string) T
	at    map[string]int
	all   []T
}

func newTally[T any](begin func(name string) T) *tally[T] {
	return &tally[T]{begin: begin, at: map[string]int{}}
}

func (t *tally[T]) of(name string) T {
	i, known := t.at[name]
	if !known {
		i = len(t.all)
		t.at[name] = i
		t.all = append(t.all, t.begin(name))
	}
	return t.all[i]
}
