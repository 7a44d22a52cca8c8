package hpa

import (
	"math"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is the HorizontalPodAutoscaler of Kubernetes 1.36
// (k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go): from the scale's
// spec n, each metric proposes a number (metric.go), the largest counts; then
//
//	stabilize  n' = n, but at least the least of the up window's proposals and at
//	           most the greatest of the down window's
//	limit      a rise to what the up policies allow, a fall to what the down
//	           policies allow, counted from the scalings in each policy's period
//	bounds     minimum and maximum
//
// Without behavior the down window alone holds proposals (the greatest counts, up
// or down) and a rise is limited to max(2n, 4). At n = 0 it is off; outside its
// bounds it goes to the bound and reads no metric. A metric that cannot be read
// forbids a fall, and all of them any change.
//
// Worked example (TestHPAWorkedExample): n = 2, AverageValue target 5, total 21: ratio
// 21/(5·2) = 2.1 is out of 0.9 … 1.1, so ceil(21/5) = 5; the up policies allow
// 2 + 4; maximum 4: 4.
type Law struct {
	law.Bounds
	Metrics  []Metric
	Behavior *Behavior // nil: none

	SyncPeriod time.Duration // --horizontal-pod-autoscaler-sync-period
	DownHold   time.Duration // …-downscale-stabilization
	Tolerance  float64       // …-tolerance, where the behavior has none
	CPUInit    time.Duration // …-cpu-initialization-period
	Readiness  time.Duration // …-initial-readiness-delay
}

// State is what the controller remembers.
type State struct {
	Proposals []Stamped // unstabilized, of the longer window; first of all the spec
	Rises     []Stamped // by how much it scaled up, and when
	Falls     []Stamped
	Active    bool // the last sync had a metric: condition ScalingActive
}

// Stamped is a number of replicas at a time.
type Stamped struct {
	At time.Duration
	N  int
}

// Behavior limits how fast the HPA scales.
type Behavior struct{ Up, Down Rules }

// Rules are one direction of a Behavior.
type Rules struct {
	Window    time.Duration // stabilization
	Select    Select
	Policies  []Policy
	Tolerance float64
}

// A Policy allows a change of Value pods, or percent, in Period.
type Policy struct {
	Percent bool
	Value   int
	Period  time.Duration
}

// Select says which of the policies counts.
type Select int

// The ways to select.
const (
	SelectUnset    Select = iota // counts as SelectMax
	SelectMax                    // the one that allows the greatest change
	SelectMin                    // the one that allows the least
	SelectDisabled               // no change in this direction
	numSelects
)

func (s Select) String() string {
	names := [numSelects]string{"", "Max", "Min", "Disabled"}
	if s < 0 || s >= numSelects {
		return "unknown"
	}
	return names[s]
}

// Defaults are the controller's flags as shipped.
func (c Law) Defaults() Law {
	c.SyncPeriod, c.DownHold, c.Tolerance = 15*time.Second, 5*time.Minute, 0.1
	c.CPUInit, c.Readiness = 5*time.Minute, 30*time.Second
	return c
}

// DefaultUp is what the API server fills in for scaleUp.
func (c Law) DefaultUp() Rules {
	return Rules{Select: SelectMax, Tolerance: c.Tolerance, Policies: []Policy{
		{Value: 4, Period: 15 * time.Second},
		{Percent: true, Value: 100, Period: 15 * time.Second},
	}}
}

// DefaultDown is what the API server fills in for scaleDown.
func (c Law) DefaultDown() Rules {
	return Rules{Window: c.DownHold, Select: SelectMax, Tolerance: c.Tolerance, Policies: []Policy{
		{Percent: true, Value: 100, Period: 15 * time.Second},
	}}
}

// Name is hpa.
func (c Law) Name() string { return "hpa" }

// Needs are the metrics' signals.
func (c Law) Needs() []reading.Signal {
	var signals []reading.Signal
	for _, m := range c.Metrics {
		signals = append(signals, m.Signal)
	}
	return signals
}

// FirstSync is when the controller first looks at it: a sync period after it was
// created, and so on from there.
func (c Law) FirstSync(in law.Input) time.Duration {
	if in.Phase > 0 {
		return in.Phase
	}
	return c.SyncPeriod
}

// Step is one sync.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	values := make([]reading.Series, len(c.Metrics))
	for i, m := range c.Metrics {
		values[i] = in.Readings.Of(m.Signal)
	}
	return c.Sync(law.Resume[State](state), in, values)
}

// Sync is Step with the metrics' values given.
func (c Law) Sync(s State, in law.Input, values []reading.Series) (State, law.Output) {
	out := in.Start(c.SyncPeriod)
	if first := c.FirstSync(in); in.Now < first {
		out.Next = first
		return s, out.Held(law.RuleFirstSync, law.Seconds(law.TermWait, first-in.Now))
	}
	desired := in.Fleet.Desired
	if len(s.Proposals) == 0 {
		s.Proposals = []Stamped{{in.Now, desired}}
	}
	switch {
	case desired <= 0:
		s.Active = false
		return s, out.Held(law.RuleAtZero)
	case desired > c.Most():
		return c.scaled(s, in, out.By(law.RuleMaximum, law.Replicas(law.TermMaximum, c.Most())))
	case desired < c.Least():
		return c.scaled(s, in, out.By(law.RuleMinimum, law.Replicas(law.TermMinimum, c.Least())))
	}
	want, missing := c.propose(out, in, values)
	s.Active = missing < len(c.Metrics) && (missing == 0 || want.Replicas >= desired)
	if !s.Active {
		return s, out.Held(law.RuleNoMetric, law.Known(law.TermMissing, float64(missing), law.UnitNone))
	}
	out = want
	if c.Behavior == nil {
		s, out = c.plain(s, in, out)
	} else {
		s, out = c.behave(s, in, out)
	}
	return c.scaled(s, in, out)
}

// plain is the controller without behavior.
func (c Law) plain(s State, in law.Input, out law.Output) (State, law.Output) {
	cutoff := in.Now - c.DownHold
	highest := out.Replicas
	for _, p := range s.Proposals {
		if p.At >= cutoff {
			highest = max(highest, p.N)
		}
	}
	s.Proposals = remember(s.Proposals, Stamped{in.Now, out.Replicas}, cutoff)
	out = stabilized(out, in, highest, highest)
	if out.Replicas < c.Least() {
		return s, out.By(law.RuleMinimum, law.Replicas(law.TermMinimum, c.Least()))
	}
	limit := max(2*in.Fleet.Desired, 4)
	if c.Most() <= limit {
		return s, out.By(law.RuleMaximum, law.Replicas(law.TermMaximum, c.Most()))
	}
	return s, out.By(law.RuleUpLimit, law.Replicas(law.TermLimit, limit))
}

// behave is the controller with behavior.
func (c Law) behave(s State, in law.Input, out law.Output) (State, law.Output) {
	desired, up, down := in.Fleet.Desired, in.Now-c.Behavior.Up.Window, in.Now-c.Behavior.Down.Window
	least, greatest := out.Replicas, out.Replicas
	for _, p := range s.Proposals {
		if p.At > up {
			least = min(least, p.N)
		}
		if p.At > down {
			greatest = max(greatest, p.N)
		}
	}
	s.Proposals = remember(s.Proposals, Stamped{in.Now, out.Replicas}, min(up, down))
	out = stabilized(out, in, least, greatest)
	switch {
	case out.Replicas > desired:
		limit := max(c.limit(s, in, c.Behavior.Up, 1), desired)
		if c.Most() > limit {
			return s, out.By(law.RuleUpLimit, law.Replicas(law.TermLimit, limit))
		}
		return s, out.By(law.RuleMaximum, law.Replicas(law.TermMaximum, c.Most()))
	case out.Replicas < desired:
		limit := min(c.limit(s, in, c.Behavior.Down, -1), desired)
		if c.Least() < limit {
			return s, out.By(law.RuleDownLimit, law.Replicas(law.TermLimit, limit))
		}
		return s, out.By(law.RuleMinimum, law.Replicas(law.TermMinimum, c.Least()))
	}
	return s, out
}

func stabilized(out law.Output, in law.Input, least, greatest int) law.Output {
	return out.By(law.RuleStabilization, law.Replicas(law.TermDesired, in.Fleet.Desired),
		law.Replicas(law.TermLeast, least), law.Replicas(law.TermGreatest, greatest))
}

// limit is the most (sign 1) or the least (sign -1) that the policies allow. A
// percentage is rounded up on the way up, or it might never allow a rise.
func (c Law) limit(s State, in law.Input, r Rules, sign int) int {
	if r.Select == SelectDisabled || len(r.Policies) == 0 {
		return in.Fleet.Desired
	}
	least, greatest := math.MaxInt, math.MinInt
	for _, p := range r.Policies {
		after := in.Now - p.Period
		base := in.Fleet.Desired - changed(s.Rises, after) + changed(s.Falls, after)
		n := base + sign*p.Value
		if p.Percent {
			share := float64(base) * (1 + float64(sign*p.Value)/100)
			if sign > 0 {
				share = math.Ceil(share)
			}
			n = int(share)
		}
		least, greatest = min(least, n), max(greatest, n)
	}
	if (r.Select == SelectMin) == (sign > 0) {
		return least
	}
	return greatest
}

// scaled records what was changed: the policies count it.
func (c Law) scaled(s State, in law.Input, out law.Output) (State, law.Output) {
	change := out.Replicas - in.Fleet.Desired
	switch {
	case c.Behavior == nil || change == 0:
	case change > 0:
		s.Rises = remember(s.Rises, Stamped{in.Now, change}, in.Now-longest(c.Behavior.Up.Policies))
	default:
		s.Falls = remember(s.Falls, Stamped{in.Now, -change}, in.Now-longest(c.Behavior.Down.Policies))
	}
	return s, out
}

// remember adds to a list in the place of one that is older than the cutoff, if
// there is any. Which one matters: a scaling that is too old for the policies of
// its own direction may still count for a longer one of the other.
func remember(list []Stamped, s Stamped, cutoff time.Duration) []Stamped {
	list = slices.Clone(list)
	for i, old := range slices.Backward(list) {
		if old.At < cutoff {
			list[i] = s
			return list
		}
	}
	return append(list, s)
}

// changed sums the scalings after a time.
func changed(events []Stamped, after time.Duration) int {
	sum := 0
	for _, e := range events {
		if e.At > after {
			sum += e.N
		}
	}
	return sum
}

func longest(policies []Policy) time.Duration {
	var period time.Duration
	for _, p := range policies {
		period = max(period, p.Period)
	}
	return period
}
