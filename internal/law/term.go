package law

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A Term is one number that a rule went by.
type Term struct {
	Name    Name
	Value   float64
	Unit    Unit
	Quality reading.Quality // of what was read; of what is known it is fresh
}

// Replicas is a term that counts replicas.
func Replicas(name Name, n int) Term { return Term{name, float64(n), UnitReplicas, reading.Fresh} }

// Seconds is a term that is a time.
func Seconds(name Name, d time.Duration) Term {
	return Term{name, d.Seconds(), UnitSeconds, reading.Fresh}
}

// Known is a term that was not read: it is configured, or follows from others.
func Known(name Name, value float64, unit Unit) Term {
	return Term{name, value, unit, reading.Fresh}
}

// Read is a term that was read.
func Read(name Name, r reading.Reading, unit Unit) Term {
	return Term{name, r.Or(0), unit, r.Quality}
}

// A Unit is what a term is counted in.
type Unit int

// The units.
const (
	UnitNone Unit = iota // of a ratio, or of a metric whose unit is its user's
	UnitReplicas
	UnitRequests
	UnitRequestsPerSecond
	UnitTokens
	UnitTokensPerSecond
	UnitSeconds
	UnitShare
	numUnits
)

func (u Unit) String() string {
	names := [numUnits]string{"", "replicas", "requests", "requests/s", "tokens", "tokens/s", "s", "share"}
	if u < 0 || u >= numUnits {
		return "unknown"
	}
	return names[u]
}

// A Name says what a term is.
type Name int

// The names.
const (
	NameUnset       Name = iota
	TermActivation       // least number of pods when there are any
	TermAllowed          // share of requests that may miss
	TermArrivals         // requests per second
	TermBefore           // most that was wanted since the panic began
	TermBudget           // requests that may still miss
	TermCapacity         // of one replica
	TermCost             // requests that a jump would cost
	TermCredit           // share of the fleet that is ready
	TermDemand           // in the unit of the capacity
	TermDesired          // replicas last asked for
	TermDoubt            // why a capacity cannot be told
	TermEvery            // time between two such jumps
	TermExpected         // share of requests that would miss
	TermFactor           // by which a change is multiplied
	TermFewer            // share that would miss with one replica fewer
	TermFloor            // replicas that held requests need
	TermGoal             // of the metric
	TermGreatest         // number of replicas in a window
	TermHeld             // requests held back
	TermITL              // time between two tokens, as predicted
	TermIdle             // replicas of an idle service
	TermJump             // requests per second after a jump
	TermLead             // time until what is asked for now serves
	TermLeast            // number of replicas in a window, or that may be asked for
	TermLimit            // number of replicas that the policies, or the GPUs, allow; of requests in an engine
	TermLoad             // what the target is compared with
	TermMaxDown          // divisor of the replicas, in one step
	TermMaxUp            // multiple of the replicas, in one step
	TermMaximum          // replicas
	TermMetric           // place of the metric that counts among those configured
	TermMinimum          // replicas
	TermMissing          // metrics without a value
	TermMore             // share that would miss with one replica more
	TermMost             // number of replicas that may be asked for
	TermObjective        // of a latency
	TermPanic            // load over the panic window
	TermPods             // that the metric was taken of
	TermProvisioned      // replicas that serve or will
	TermQueue            // requests waiting in a replica
	TermQuiet            // time without a request
	TermRatio            // of the metric to its goal
	TermReady            // replicas
	TermReplicas         // that are configured
	TermSignal           // latency over its objective, smoothed
	TermStable           // load over the stable window
	TermTTFT             // time to the first token, as predicted
	TermTarget           // load for one replica
	TermThreshold        // share of the capacity, or value of a signal
	TermTolerance        // around 1
	TermUsage            // of the KV cache
	TermValue            // of the metric
	TermVotes            // decisions in a row that wanted the change
	TermWait             // until a rule lets the change pass
	TermWanted           // replicas that a rule asks for
	TermWindow           // number of replicas that a window of proposals gives
	numNames
)

func (n Name) String() string {
	if n <= NameUnset || n >= numNames {
		return "unknown"
	}
	return names[n]
}

var names = [numNames]string{
	TermActivation: "activation", TermAllowed: "allowed", TermArrivals: "arrivals", TermBefore: "before",
	TermBudget: "budget", TermCapacity: "capacity", TermCost: "cost", TermCredit: "credit", TermDemand: "demand",
	TermDesired: "desired", TermDoubt: "doubt", TermEvery: "every", TermExpected: "expected", TermFactor: "factor",
	TermFewer: "fewer", TermFloor: "floor", TermGoal: "goal", TermGreatest: "greatest", TermHeld: "held", TermITL: "itl",
	TermIdle: "idle", TermJump: "jump", TermLead: "lead", TermLeast: "least", TermLimit: "limit", TermLoad: "load",
	TermMaxDown: "max-down", TermMaxUp: "max-up", TermMaximum: "maximum", TermMetric: "metric", TermMinimum: "minimum",
	TermMissing: "missing", TermMore: "more", TermMost: "most", TermObjective: "objective", TermPanic: "panic",
	TermPods: "pods", TermProvisioned: "provisioned", TermQueue: "queue", TermQuiet: "quiet", TermRatio: "ratio",
	TermReady: "ready", TermReplicas: "replicas", TermSignal: "signal", TermStable: "stable", TermTTFT: "ttft",
	TermTarget: "target", TermThreshold: "threshold", TermTolerance: "tolerance", TermUsage: "usage", TermValue: "value",
	TermVotes: "votes", TermWait: "wait", TermWanted: "wanted", TermWindow: "window",
}

// MarshalText writes the name.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads it.
func (n *Name) UnmarshalText(text []byte) error { return named(n, text, NameUnset+1, numNames, "term") }

// MarshalText writes the unit.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads it.
func (u *Unit) UnmarshalText(text []byte) error { return named(u, text, UnitNone, numUnits, "unit") }

// named finds the value of an enum by its name.
func named[E interface {
	~int
	fmt.Stringer
}](into *E, text []byte, first, end E, what string) error {
	for e := first; e < end; e++ {
		if e.String() == string(text) {
			*into = e
			return nil
		}
	}
	return fmt.Errorf("%s %q: there is none of that name", what, text)
}

// writtenTerm is a Term as JSON has it: a value need not be a number.
type writtenTerm struct {
	Name    Name
	Value   reading.Number
	Unit    Unit `json:",omitzero"`
	Quality reading.Quality
}

// MarshalJSON writes the term.
func (t Term) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenTerm{t.Name, reading.Number(t.Value), t.Unit, t.Quality})
}

// UnmarshalJSON reads it.
func (t *Term) UnmarshalJSON(text []byte) error {
	var w writtenTerm
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading a term: %w", err)
	}
	*t = Term{w.Name, float64(w.Value), w.Unit, w.Quality}
	return nil
}
