package decide

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Version is of what policies, states, inputs and decisions are written down as. Another
// one is refused: a decision from a state that is half understood would be worse than
// one from scratch.
const Version = 1

// versioned is in everything that is written down.
type versioned struct{ Version int }

func (v versioned) check(what string) error {
	if v.Version != Version {
		return fmt.Errorf("reading %s: version %d is not known here, only %d", what, v.Version, Version)
	}
	return nil
}

// named is a law's configuration or state under its name.
type named struct {
	Name  string
	Value json.RawMessage
}

type writtenPolicy struct {
	versioned
	Law     named
	Queries []string      `json:",omitempty"`
	Bounds  law.Bounds    `json:",omitzero"`
	Wake    *guard.Wake   `json:",omitempty"`
	Phase   time.Duration `json:",omitempty"`
	Settle  time.Duration `json:",omitempty"`
}

// MarshalJSON writes the policy down.
func (p Policy) MarshalJSON() ([]byte, error) {
	l := p.law()
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("writing law %s: %w", l.Name(), err)
	}
	return json.Marshal(writtenPolicy{versioned{Version}, named{l.Name(), text}, p.Queries, p.Bounds, p.Wake, p.Phase, p.Settle})
}

// UnmarshalJSON reads it.
func (p *Policy) UnmarshalJSON(text []byte) error {
	var w writtenPolicy
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading a policy: %w", err)
	}
	if err := w.check("a policy"); err != nil {
		return err
	}
	l, err := catalog.ReadLaw(w.Law.Name, w.Law.Value)
	*p = Policy{l, w.Queries, w.Bounds, w.Wake, w.Phase, w.Settle}
	return err
}

type writtenState struct {
	versioned
	Law     named         `json:",omitzero"`
	Raised  int           `json:",omitempty"`
	Attempt guard.Attempt `json:",omitzero"`
	Settled time.Duration `json:",omitempty"`
}

// MarshalJSON writes the state down.
func (s State) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(s.Law)
	if err != nil {
		return nil, fmt.Errorf("writing the state of law %s: %w", s.Name, err)
	}
	return json.Marshal(writtenState{versioned{Version}, named{s.Name, text}, s.Raised, s.Attempt, s.Settled})
}

// UnmarshalJSON reads it.
func (s *State) UnmarshalJSON(text []byte) error {
	var w writtenState
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading a state: %w", err)
	}
	if err := w.check("a state"); err != nil || w.Law.Name == "" {
		*s = State{Raised: w.Raised, Attempt: w.Attempt, Settled: w.Settled}
		return err
	}
	memory, err := catalog.ReadState(w.Law.Name, w.Law.Value)
	*s = State{w.Law.Name, memory, w.Raised, w.Attempt, w.Settled}
	return err
}

type writtenInput struct {
	versioned
	Now      time.Duration
	Readings reading.Set `json:",omitempty"`
	Fleet    law.Fleet
	Demand   demand.Demand
	Grant    *budget.Grant `json:",omitempty"`
}

// MarshalJSON writes the input down.
func (in Input) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenInput{versioned{Version}, in.Now, in.Readings, in.Fleet, in.Demand, in.Grant})
}

// UnmarshalJSON reads it.
func (in *Input) UnmarshalJSON(text []byte) error {
	var w writtenInput
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading an input: %w", err)
	}
	*in = Input{w.Now, w.Readings, w.Fleet, w.Demand, w.Grant}
	return w.check("an input")
}

type writtenDecision struct {
	versioned
	Replicas int
	Floor    int          `json:",omitempty"`
	Reasons  []law.Reason `json:",omitempty"`
	Next     time.Duration
	On       Events `json:",omitempty"`
}

// MarshalJSON writes the decision down.
func (d Decision) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenDecision{versioned{Version}, d.Replicas, d.Floor, d.Reasons, d.Next, d.On})
}

// UnmarshalJSON reads it.
func (d *Decision) UnmarshalJSON(text []byte) error {
	var w writtenDecision
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading a decision: %w", err)
	}
	*d = Decision{Replicas: w.Replicas, Floor: w.Floor, Reasons: w.Reasons, Next: w.Next, On: w.On}
	return w.check("a decision")
}
