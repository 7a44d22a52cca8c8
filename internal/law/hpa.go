package law

import (
	"math"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// HPA is the HorizontalPodAutoscaler of Kubernetes 1.36
// (k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go): from the scale's
// spec n, each metric proposes a number (hpametric.go), the largest counts; then
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
type HPA struct {
	HPAConfig
	proposals []stamped // unstabilized, of the longer window; first of all the spec
	rises     []stamped // by how much it scaled up, and when
	falls     []stamped
	active    bool // the last sync had a metric: condition ScalingActive
}

// HPAConfig is the spec of a HorizontalPodAutoscaler and the controller's flags.
type HPAConfig struct {
	Bounds
	Metrics  []HPAMetric
	Behavior *Behavior // nil: none

	// FirstSync is when the controller first looks at it: a sync period after it
	// was created, and so on from there.
	FirstSync time.Duration

	SyncPeriod time.Duration // --horizontal-pod-autoscaler-sync-period
	DownHold   time.Duration // …-downscale-stabilization
	Tolerance  float64       // …-tolerance, where the behavior has none
	CPUInit    time.Duration // …-cpu-initialization-period
	Readiness  time.Duration // …-initial-readiness-delay
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

type stamped struct {
	at time.Duration
	n  int
}

// Defaults are the controller's flags as shipped.
func (c HPAConfig) Defaults() HPAConfig {
	c.SyncPeriod, c.FirstSync = 15*time.Second, 15*time.Second
	c.DownHold, c.Tolerance = 5*time.Minute, 0.1
	c.CPUInit, c.Readiness = 5*time.Minute, 30*time.Second
	return c
}

// DefaultUp is what the API server fills in for scaleUp.
func (c HPAConfig) DefaultUp() Rules {
	return Rules{Select: SelectMax, Tolerance: c.Tolerance, Policies: []Policy{
		{Value: 4, Period: 15 * time.Second},
		{Percent: true, Value: 100, Period: 15 * time.Second},
	}}
}

// DefaultDown is what the API server fills in for scaleDown.
func (c HPAConfig) DefaultDown() Rules {
	return Rules{Window: c.DownHold, Select: SelectMax, Tolerance: c.Tolerance, Policies: []Policy{
		{Percent: true, Value: 100, Period: 15 * time.Second},
	}}
}

// Step is one sync.
func (h HPA) Step(in Input) (Law, Output) {
	values := make([]reading.Series, len(h.Metrics))
	for i, m := range h.Metrics {
		values[i] = in.Readings.Of(m.Signal)
	}
	return h.sync(in, values)
}

// Needs are the metrics' signals.
func (h HPA) Needs() []reading.Signal {
	var signals []reading.Signal
	for _, m := range h.Metrics {
		signals = append(signals, m.Signal)
	}
	return signals
}

// Active says whether the last sync computed replicas from a metric.
func (h HPA) Active() bool { return h.active }

// sync is Step with the metrics' values given, and the type kept.
func (h HPA) sync(in Input, values []reading.Series) (HPA, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(h.SyncPeriod, time.Millisecond)}
	if in.Now < h.FirstSync {
		out.Next = h.FirstSync
		return h, out.held("first sync")
	}
	if len(h.proposals) == 0 {
		h.proposals = []stamped{{in.Now, in.Desired}}
	}
	switch {
	case in.Desired <= 0:
		h.active = false
		return h, out.held("disabled at zero")
	case in.Desired > h.most():
		return h.scaled(in, out.to("above maximum", h.most()))
	case in.Desired < h.least():
		return h.scaled(in, out.to("below minimum", h.least()))
	}
	want, ok := h.propose(in, values)
	h.active = ok
	if !ok {
		return h, out.held("no valid metric")
	}
	out = out.to("metric", want)
	if h.Behavior == nil {
		h, out = h.plain(in, out)
	} else {
		h, out = h.behave(in, out)
	}
	return h.scaled(in, out)
}

// plain is the controller without behavior.
func (h HPA) plain(in Input, out Output) (HPA, Output) {
	cutoff := in.Now - h.DownHold
	highest := out.Replicas
	for _, p := range h.proposals {
		if p.at >= cutoff {
			highest = max(highest, p.n)
		}
	}
	h.proposals = remember(h.proposals, stamped{in.Now, out.Replicas}, cutoff)
	out = out.to("stabilization", highest)
	if out.Replicas < h.least() {
		return h, out.to("minimum", h.least())
	}
	limit := max(2*in.Desired, 4)
	if h.most() <= limit {
		return h, out.to("maximum", min(out.Replicas, h.most()))
	}
	return h, out.to("scale-up limit", min(out.Replicas, limit))
}

// behave is the controller with behavior.
func (h HPA) behave(in Input, out Output) (HPA, Output) {
	up, down := in.Now-h.Behavior.Up.Window, in.Now-h.Behavior.Down.Window
	least, greatest := out.Replicas, out.Replicas
	for _, p := range h.proposals {
		if p.at > up {
			least = min(least, p.n)
		}
		if p.at > down {
			greatest = max(greatest, p.n)
		}
	}
	h.proposals = remember(h.proposals, stamped{in.Now, out.Replicas}, min(up, down))
	out = out.to("stabilization", min(max(in.Desired, least), greatest))
	switch {
	case out.Replicas > in.Desired:
		limit := max(h.limit(in, h.Behavior.Up, 1), in.Desired)
		if h.most() > limit {
			return h, out.to("scale-up limit", min(out.Replicas, limit))
		}
		return h, out.to("maximum", min(out.Replicas, h.most()))
	case out.Replicas < in.Desired:
		limit := min(h.limit(in, h.Behavior.Down, -1), in.Desired)
		if h.least() < limit {
			return h, out.to("scale-down limit", max(out.Replicas, limit))
		}
		return h, out.to("minimum", max(out.Replicas, h.least()))
	}
	return h, out
}

// limit is the most (sign 1) or the least (sign -1) that the policies allow. A
// percentage is rounded up on the way up, or it might never allow a rise.
func (h HPA) limit(in Input, r Rules, sign int) int {
	if r.Select == SelectDisabled || len(r.Policies) == 0 {
		return in.Desired
	}
	var all []int
	for _, p := range r.Policies {
		after := in.Now - p.Period
		base := in.Desired - changed(h.rises, after) + changed(h.falls, after)
		n := base + sign*p.Value
		if p.Percent {
			share := float64(base) * (1 + float64(sign*p.Value)/100)
			if sign > 0 {
				share = math.Ceil(share)
			}
			n = int(share)
		}
		all = append(all, n)
	}
	if (r.Select == SelectMin) == (sign > 0) {
		return slices.Min(all)
	}
	return slices.Max(all)
}

// scaled records what was changed: the policies count it.
func (h HPA) scaled(in Input, out Output) (HPA, Output) {
	if h.Behavior == nil || out.Replicas == in.Desired {
		return h, out
	}
	if change := out.Replicas - in.Desired; change > 0 {
		h.rises = remember(h.rises, stamped{in.Now, change}, in.Now-longest(h.Behavior.Up.Policies))
	} else {
		h.falls = remember(h.falls, stamped{in.Now, -change}, in.Now-longest(h.Behavior.Down.Policies))
	}
	return h, out
}

// remember adds to a list in the place of one that is older than the cutoff, if
// there is any. Which one matters: a scaling that is too old for the policies of
// its own direction may still count for a longer one of the other.
func remember(list []stamped, s stamped, cutoff time.Duration) []stamped {
	list = slices.Clone(list)
	for i, old := range slices.Backward(list) {
		if old.at < cutoff {
			list[i] = s
			return list
		}
	}
	return append(list, s)
}

// changed sums the scalings after a time.
func changed(events []stamped, after time.Duration) int {
	sum := 0
	for _, e := range events {
		if e.at > after {
			sum += e.n
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
