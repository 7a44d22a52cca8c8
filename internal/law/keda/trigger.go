package keda

import (
	"math"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Trigger is one entry of a ScaledObject's triggers. Most read one number
// (github.com/kedacore/keda/v2/pkg/scalers/prometheus_scaler.go, at v2.21.0). An empty
// answer, NaN and infinity are 0, or an error with KeepNull; several series and a
// failed query are errors.
type Trigger struct {
	Name       string // for the formula
	Signal     reading.Signal
	Target     hpa.Target // AverageValue or Value
	Threshold  float64
	Activation float64
	KeepNull   bool // ignoreNullValues: "false"
	Cached     bool // useCachedMetrics: the HPA is told what the last poll read
	// Clock is what a cron trigger has in place of a signal.
	Clock *Clock `json:",omitempty"`
}

// A Fallback replaces a trigger that failed more than Failures times in a row by
// the value at which the HPA asks for a number of replicas
// (github.com/kedacore/keda/v2/pkg/fallback/fallback.go).
type Fallback struct {
	Failures int
	Replicas int
	Behavior FallbackBehavior
}

// A FallbackBehavior says which number of replicas.
type FallbackBehavior int

// The behaviors.
const (
	FallbackUnset           FallbackBehavior = iota // counts as FallbackStatic
	FallbackStatic                                  // Fallback.Replicas
	FallbackCurrent                                 // those there are
	FallbackCurrentIfHigher                         // the more of the two
	FallbackCurrentIfLower                          // the fewer of the two
	FallbackModifiers                               // the formula sees that the value is missing
	numFallbackBehaviors
)

func (b FallbackBehavior) String() string {
	names := [numFallbackBehaviors]string{
		"", "static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", "scalingModifiers",
	}
	if b < 0 || b >= numFallbackBehaviors {
		return "unknown"
	}
	return names[b]
}

// replicas is what the fallback asks for while there are current ones.
func (f Fallback) replicas(current int) int {
	switch f.Behavior {
	case FallbackCurrent:
		return current
	case FallbackCurrentIfHigher:
		return max(current, f.Replicas)
	case FallbackCurrentIfLower:
		return min(current, f.Replicas)
	default:
		return f.Replicas
	}
}

// Modifiers make one metric of all triggers
// (github.com/kedacore/keda/v2/pkg/scaling/modifiers/formula.go).
type Modifiers struct {
	Formula    Formula
	Target     float64
	Activation float64
	Type       hpa.Target // AverageValue or Value
}

// An Observation is what a trigger said.
type Observation struct {
	Value    int64 // in thousandths
	Active   bool
	Failed   bool
	Fallback bool // the value is the fallback's
	Missing  bool // for the formula
}

// observe reads all triggers and counts their failures.
func (k *loops) observe(in law.Input) []Observation {
	seen := make([]Observation, len(k.Triggers))
	for i, t := range k.Triggers {
		o := t.read(in)
		if t.Cached && i < len(k.Polled) && in.Now < k.NextPoll {
			o = k.Polled[i]
		}
		seen[i] = k.withFallback(i, o, in)
	}
	return seen
}

// read is one query, or one look at the clock.
func (t Trigger) read(in law.Input) Observation {
	if t.Clock != nil {
		return t.Clock.observe(in.Now)
	}
	r := in.Readings.Of(t.Signal).Total
	switch {
	case r.Usable():
		return Observation{Value: law.Milli(thousandths(r.Value)), Active: r.Value > t.Activation}
	case t.KeepNull || !r.Null():
		return Observation{Failed: true}
	default:
		return Observation{Active: 0 > t.Activation}
	}
}

// fallbackValid says whether there is a fallback that KEDA accepts: with a formula
// its target must be a whole number.
func (k *loops) fallbackValid() bool {
	f, m := k.Fallback, k.Modifiers
	return f != nil && f.Failures >= 0 && f.Replicas >= 0 && (m == nil || m.Target > 0 && m.Target == math.Trunc(m.Target))
}

func (k *loops) withFallback(i int, o Observation, in law.Input) Observation {
	if !o.Failed || !k.fallbackValid() {
		k.Failures[i] = 0
		return o
	}
	k.Failures[i]++
	if k.Failures[i] <= k.Fallback.Failures {
		return o
	}
	if k.Fallback.Behavior == FallbackModifiers {
		return Observation{Missing: true}
	}
	replicas, goal, target := float64(k.Fallback.replicas(in.Fleet.Desired)), k.Triggers[i].Threshold, k.Triggers[i].Target
	if k.Modifiers != nil {
		goal, target = k.Modifiers.Target, k.Modifiers.Type
	}
	if target == hpa.Value {
		ready := in.Fleet.Running()
		if ready == 0 {
			return o
		}
		replicas /= float64(ready)
	}
	return Observation{Value: truncated(thousandths(goal) * 1000 * replicas), Active: true, Fallback: true}
}

// truncated is whole thousandths, as KEDA converts what it computes.
func truncated(thousandths float64) int64 {
	if math.IsNaN(thousandths) {
		return 0
	}
	return int64(min(max(thousandths, -1<<53), 1<<53))
}

// combine is the formula's number in thousandths.
func (k *loops) combine(seen []Observation) (int64, bool) {
	m, values := k.Modifiers, map[string]float64{}
	for i, o := range seen {
		switch {
		case o.Fallback:
			return o.Value, true // the first that falls back stands for all
		case o.Failed:
			return 0, false
		case !o.Missing:
			values[k.Triggers[i].Name] = float64(o.Value) / 1000
		}
	}
	result, ok := m.Formula.Evaluate(values)
	switch {
	case !ok && k.Fallback != nil:
		return truncated(m.Target * float64(k.Fallback.Replicas) * 1000), true
	case !ok, math.IsNaN(result), math.IsInf(result, 0):
		return 0, false
	}
	return truncated(result * 1000), true
}
