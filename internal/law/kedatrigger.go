package law

import (
	"math"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A Trigger is one entry of a ScaledObject's triggers that reads one number
// (github.com/kedacore/keda/v2/pkg/scalers/prometheus_scaler.go, at v2.21.0). An empty
// answer, NaN and infinity are 0, or an error with KeepNull; several series and a
// failed query are errors.
type Trigger struct {
	Name       string // for the formula
	Signal     reading.Signal
	Target     Target // AverageValue or Value
	Threshold  float64
	Activation float64
	KeepNull   bool // ignoreNullValues: "false"
	Cached     bool // useCachedMetrics: the HPA is told what the last poll read
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
	Type       Target // AverageValue or Value
}

// A Formula computes from the triggers' values by name; those that are missing are
// not in the map. It is false where it has no result.
type Formula func(values map[string]float64) (float64, bool)

// An observation is what a trigger said.
type observation struct {
	value    int64 // in thousandths
	active   bool
	failed   bool
	fallback bool // the value is the fallback's
	missing  bool // for the formula
}

// observe reads all triggers and counts their failures.
func (k *KEDA) observe(in Input) []observation {
	seen := make([]observation, len(k.Triggers))
	for i, t := range k.Triggers {
		o := t.read(in)
		if t.Cached && i < len(k.polled) && in.Now < k.nextPoll {
			o = k.polled[i]
		}
		seen[i] = k.withFallback(i, o, in)
	}
	return seen
}

// read is one query.
func (t Trigger) read(in Input) observation {
	r := in.Readings.Of(t.Signal).Total
	switch {
	case r.Usable():
		return observation{value: milli(thousandths(r.Value)), active: r.Value > t.Activation}
	case t.KeepNull || !r.Null():
		return observation{failed: true}
	default:
		return observation{active: 0 > t.Activation}
	}
}

// fallbackValid says whether there is a fallback that KEDA accepts: with a formula
// its target must be a whole number.
func (k *KEDA) fallbackValid() bool {
	f, m := k.Fallback, k.Modifiers
	return f != nil && f.Failures >= 0 && f.Replicas >= 0 && (m == nil || m.Target > 0 && m.Target == math.Trunc(m.Target))
}

func (k *KEDA) withFallback(i int, o observation, in Input) observation {
	if !o.failed || !k.fallbackValid() {
		k.failures[i] = 0
		return o
	}
	k.failures[i]++
	if k.failures[i] <= k.Fallback.Failures {
		return o
	}
	if k.Fallback.Behavior == FallbackModifiers {
		return observation{missing: true}
	}
	replicas, goal, target := float64(k.Fallback.replicas(in.Desired)), k.Triggers[i].Threshold, k.Triggers[i].Target
	if k.Modifiers != nil {
		goal, target = k.Modifiers.Target, k.Modifiers.Type
	}
	if target == Value {
		ready := in.ready()
		if ready == 0 {
			return o
		}
		replicas /= float64(ready)
	}
	return observation{value: truncated(thousandths(goal) * 1000 * replicas), active: true, fallback: true}
}

// truncated is whole thousandths, as KEDA converts what it computes.
func truncated(thousandths float64) int64 {
	if math.IsNaN(thousandths) {
		return 0
	}
	return int64(min(max(thousandths, -1<<53), 1<<53))
}

// combine is the formula's number in thousandths.
func (k *KEDA) combine(seen []observation) (int64, bool) {
	m, values := k.Modifiers, map[string]float64{}
	for i, o := range seen {
		switch {
		case o.fallback:
			return o.value, true // the first that falls back stands for all
		case o.failed:
			return 0, false
		case !o.missing:
			values[k.Triggers[i].Name] = float64(o.value) / 1000
		}
	}
	if m.Formula == nil {
		return 0, false
	}
	result, ok := m.Formula(values)
	switch {
	case !ok && k.Fallback != nil:
		return truncated(m.Target * float64(k.Fallback.Replicas) * 1000), true
	case !ok, math.IsNaN(result), math.IsInf(result, 0):
		return 0, false
	}
	return truncated(result * 1000), true
}
