package keda

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is a ScaledObject of KEDA 2.21 and the HPA that it makes
// (github.com/kedacore/keda/v2/pkg/scaling/executor/scale_scaledobjects.go, at
// v2.21.0). Two loops act on one scale. The HPA goes between max(1, minimum)
// and the maximum; at each sync it reads every trigger, or the one number that the
// formula makes of them all. KEDA's own loop, every polling interval:
//
//	active     at 0 (below the minimum, with idle replicas) → max(1, minimum)
//	inactive   above idle, or above 0 with minimum 0 → idle or 0, once the last
//	           activity is a cooldown ago; below the minimum → the minimum
//	error      nothing, unless fallback replicas are 0
//
// A trigger is active above its activation value, or while it falls back. What it
// reads and when it falls back is in trigger.go. The guard's floor is a minimum that
// is raised, with activation forced: KEDA takes up either change at once, and not at
// its next poll.
//
// Worked example (TestKEDAWorkedExample): minimum 0, threshold 5, cooldown 300 s. At 0
// replicas a value of 12 at the poll at 30 s gives 1; the HPA's sync at 35 s gives
// ceil(12/5) = 3. Inactive from 60 s on, last active at the poll at 30 s: 0 at the poll
// at 330 s, with no regard to the HPA's stabilization.
type Law struct {
	law.Bounds // a maximum of 0 is KEDA's default of 100
	Triggers   []Trigger
	// Resources are its cpu and memory triggers: the HPA reads them itself.
	Resources []hpa.Metric

	Polling         time.Duration
	Cooldown        time.Duration
	InitialCooldown time.Duration
	Idle            *int
	ForceActivation bool
	Fallback        *Fallback
	Modifiers       *Modifiers

	// HPA are the controller's flags and the behavior; its bounds and metrics follow
	// from the rest.
	HPA hpa.Law
}

// State is what KEDA and its HPA remember.
type State struct {
	Started    bool
	Created    time.Duration
	NextPoll   time.Duration
	NextSync   time.Duration
	LastActive time.Duration // -1: never
	Floor      int           // as last asked for
	Failures   []int         // in a row, of each trigger
	Observed   []Observation // by the HPA's last sync that read them
	Polled     []Observation // by the last poll that read them
	HPA        hpa.State
}

// Defaults are KEDA's, with the HPA's.
func (c Law) Defaults() Law {
	c.Max, c.Polling, c.Cooldown = 100, 30*time.Second, 5*time.Minute
	c.HPA = c.HPA.Defaults()
	return c
}

// Name is keda.
func (c Law) Name() string { return "keda" }

// Needs are the triggers' signals.
func (c Law) Needs() []reading.Signal {
	var signals []reading.Signal
	for _, t := range c.Triggers {
		signals = append(signals, t.Signal)
	}
	for _, m := range c.Resources {
		signals = append(signals, m.Signal)
	}
	return signals
}

// Step runs whichever of the two loops is due, the poll first.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	k := c.loops(law.Resume[State](state), in)
	out := in.Start(0)
	if in.Now >= k.NextPoll {
		out = k.poll(in, out)
		k.NextPoll = in.Now + max(k.Polling, time.Second)
	}
	if in.Now >= k.NextSync {
		in.Fleet.Desired, k.hpa.Metrics = out.Replicas, k.metrics()
		next, synced := k.hpa.Sync(k.State.HPA, in, k.serve(in))
		k.State.HPA, k.NextSync = next, synced.Next
		out.Replicas, out.Reasons = synced.Replicas, append(out.Reasons, synced.Reasons...)
	}
	out.Next, out.Floored = min(k.NextPoll, k.NextSync), true
	return k.State, out
}

// loops are the two at one time: the configuration as it is in force then, and the
// state as it is changed.
type loops struct {
	Law
	State
	hpa hpa.Law
}

func (c Law) loops(s State, in law.Input) loops {
	if c.Max <= 0 {
		c.Max = 100
	}
	c.Min = min(max(c.Min, in.Floor), c.Max)
	c.ForceActivation = c.ForceActivation || in.Floor > 0
	h := c.HPA
	h.Bounds = law.Bounds{Min: max(c.Min, 1), Max: c.Max}
	switch {
	case !s.Started:
		s.Started, s.Created, s.LastActive = true, in.Now, -1
		s.NextPoll, s.NextSync = in.Now, max(in.Now, h.FirstSync(in))
	case s.Floor != in.Floor:
		s.NextPoll = in.Now
	}
	s.Floor = in.Floor
	if n := len(c.Triggers); len(s.Failures) != n { // the triggers are others
		s.Failures, s.Observed, s.Polled = make([]int, n), nil, nil
	}
	s.Failures = slices.Clone(s.Failures)
	return loops{c, s, h}
}

// metrics are the HPA's: the resources, and each trigger or the formula.
func (c Law) metrics() []hpa.Metric {
	all := slices.Grow(slices.Clone(c.Resources), len(c.Triggers)+1)
	if m := c.Modifiers; m != nil {
		return append(all, hpa.Metric{Kind: hpa.External, Target: m.Type, Goal: thousandths(m.Target)})
	}
	for _, t := range c.Triggers {
		all = append(all, hpa.Metric{Kind: hpa.External, Target: t.Target, Goal: thousandths(t.Threshold)})
	}
	return all
}

// poll is KEDA's own loop.
func (k *loops) poll(in law.Input, out law.Output) law.Output {
	active, failed := k.active(in)
	if active || k.ForceActivation {
		return k.awake(in, out, failed)
	}
	n := out.Replicas
	switch {
	case failed && (k.Fallback == nil || k.Fallback.Replicas != 0):
		return out.Held(law.RuleTriggerError)
	case k.Idle != nil && n > *k.Idle:
		return k.sleep(in, out, *k.Idle)
	case n > 0 && k.Min <= 0:
		return k.sleep(in, out, 0)
	case k.Idle == nil && n < k.Min:
		return out.By(law.RuleMinimum, law.Replicas(law.TermMinimum, k.Min))
	}
	return out
}

// awake is the poll of an active service.
func (k *loops) awake(in law.Input, out law.Output, failed bool) law.Output {
	switch {
	case out.Replicas == 0, k.Idle != nil && out.Replicas < k.Min:
		k.LastActive = in.Now
		return out.By(law.RuleActivation, law.Replicas(law.TermMinimum, k.Min))
	case !failed:
		k.LastActive = in.Now
	}
	return out
}

// sleep goes to zero or idle when the service has been inactive for long enough. The
// real comparison is strict, of a last activity that is stored in whole seconds: in
// effect a poll exactly one cooldown later acts.
func (k *loops) sleep(in law.Input, out law.Output, idle int) law.Output {
	since, wait := k.LastActive, k.Cooldown
	if k.LastActive < 0 {
		since, wait = k.Created, k.InitialCooldown
	}
	if in.Now < since+wait {
		return out.Held(law.RuleCooldown, law.Seconds(law.TermWait, since+wait-in.Now))
	}
	return out.By(law.RuleCooldownOver, law.Replicas(law.TermIdle, max(idle, 0)))
}

// active says whether any trigger is active and whether any failed.
func (k *loops) active(in law.Input) (active, failed bool) {
	seen := k.Observed
	if !k.reuse() {
		seen = k.observe(in)
		k.Polled = seen
	}
	for _, o := range seen {
		active, failed = active || o.Active, failed || o.Failed
	}
	if m := k.Modifiers; m != nil {
		value, ok := k.combine(seen)
		active = !failed && ok && float64(value)/1000 > m.Activation
	}
	if len(k.Triggers) == 0 && !failed { // cpu and memory cannot tell when to wake
		active = true
	}
	return active, failed
}

// reuse says that the HPA's readings stand for KEDA's own: where KEDA never goes
// below the HPA's minimum, its poll asks nothing while the HPA does.
func (k *loops) reuse() bool {
	for _, t := range k.Triggers {
		if t.Cached {
			return false
		}
	}
	return k.Min > 0 && k.Idle == nil && k.Modifiers == nil && k.State.HPA.Active && k.Observed != nil
}

// serve is what the HPA's metrics read.
func (k *loops) serve(in law.Input) []reading.Series {
	values := make([]reading.Series, len(k.hpa.Metrics))
	for i, m := range k.Resources {
		values[i] = in.Readings.Of(m.Signal)
	}
	if n := in.Fleet.Desired; n <= 0 || n > k.hpa.Most() || n < k.hpa.Least() {
		return values // the HPA will not ask
	}
	k.Observed = k.observe(in)
	external := values[len(k.Resources):]
	if k.Modifiers != nil {
		value, ok := k.combine(k.Observed)
		external[0] = answer(value, ok, in.Now)
		return values
	}
	for i, o := range k.Observed {
		external[i] = answer(o.Value, !o.Failed, in.Now)
	}
	return values
}

func answer(value int64, ok bool, now time.Duration) reading.Series {
	if !ok {
		return reading.Series{Total: reading.Failed(now)}
	}
	return reading.Series{Total: reading.New(float64(value)/1000, now)}
}

// thousandths is a value as KEDA prints it for the HPA, %.3f: what is no positive
// number is 0.
func thousandths(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return 0
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 3, 64), 64)
	if err != nil {
		return 0
	}
	return v
}
