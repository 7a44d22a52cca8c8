package law

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// KEDA is a ScaledObject of KEDA 2.21 and the HPA that it makes
// (github.com/kedacore/keda/v2/pkg/scaling/executor/scale_scaledobjects.go, at
// v2.21.0). Two loops act on one scale. The HPA (hpa.go) goes between max(1, minimum)
// and the maximum; at each sync it reads every trigger, or the one number that the
// formula makes of them all. KEDA's own loop, every polling interval:
//
//	active     at 0 (below the minimum, with idle replicas) → max(1, minimum)
//	inactive   above idle, or above 0 with minimum 0 → idle or 0, once the last
//	           activity is a cooldown ago; below the minimum → the minimum
//	error      nothing, unless fallback replicas are 0
//
// A trigger is active above its activation value, or while it falls back. What it
// reads and when it falls back is in kedatrigger.go.
//
// Worked example (TestKEDAWorkedExample): minimum 0, threshold 5, cooldown 300 s. At 0
// replicas a value of 12 at the poll at 30 s gives 1; the HPA's sync at 35 s gives
// ceil(12/5) = 3. Inactive from 60 s on, last active at the poll at 30 s: 0 at the poll
// at 330 s, with no regard to the HPA's stabilization.
type KEDA struct {
	KEDAConfig
	hpa        HPA
	created    time.Duration
	started    bool
	nextPoll   time.Duration
	nextSync   time.Duration
	lastActive time.Duration // -1: never
	failures   []int         // in a row, of each trigger
	observed   []observation // by the HPA's last sync that read them
	polled     []observation // by the last poll that read them
}

// KEDAConfig is the spec of a ScaledObject.
type KEDAConfig struct {
	Bounds   // a maximum of 0 is KEDA's default of 100
	Triggers []Trigger
	// Resources are its cpu and memory triggers: the HPA reads them itself.
	Resources []HPAMetric
	Behavior  *Behavior

	Polling         time.Duration
	FirstPoll       time.Duration // after creation; the HPA's phase is HPA.FirstSync
	Cooldown        time.Duration
	InitialCooldown time.Duration
	Idle            *int
	ForceActivation bool
	Fallback        *Fallback
	Modifiers       *Modifiers

	HPA HPAConfig // the controller's flags and phase; the rest is set from here
}

// Defaults are KEDA's, with the HPA's.
func (c KEDAConfig) Defaults() KEDAConfig {
	c.Max, c.Polling, c.Cooldown = 100, 30*time.Second, 5*time.Minute
	c.HPA = c.HPA.Defaults()
	return c
}

// NewKEDA is the law of a ScaledObject.
func NewKEDA(c KEDAConfig) KEDA {
	if c.Max <= 0 {
		c.Max = 100
	}
	c.Min = min(c.Min, c.Max)
	h := c.HPA
	h.Bounds, h.Behavior = Bounds{max(c.Min, 1), c.Max}, c.Behavior
	h.Metrics = slices.Clone(c.Resources)
	for _, t := range c.Triggers {
		if c.Modifiers == nil {
			h.Metrics = append(h.Metrics, HPAMetric{Kind: External, Target: t.Target, Goal: thousandths(t.Threshold)})
		}
	}
	if m := c.Modifiers; m != nil {
		h.Metrics = append(h.Metrics, HPAMetric{Kind: External, Target: m.Type, Goal: thousandths(m.Target)})
	}
	return KEDA{
		KEDAConfig: c, hpa: HPA{HPAConfig: h}, lastActive: -1,
		failures: make([]int, len(c.Triggers)),
	}
}

// Needs are the triggers' signals.
func (k KEDA) Needs() []reading.Signal {
	var signals []reading.Signal
	for _, t := range k.Triggers {
		signals = append(signals, t.Signal)
	}
	for _, m := range k.Resources {
		signals = append(signals, m.Signal)
	}
	return signals
}

// Step runs whichever of the two loops is due, the poll first.
func (k KEDA) Step(in Input) (Law, Output) { return k.step(in) }

func (k KEDA) step(in Input) (KEDA, Output) {
	if !k.started {
		k.started, k.created, k.nextPoll = true, in.Now, in.Now+k.FirstPoll
		k.nextSync = max(in.Now, k.hpa.FirstSync)
	}
	k.failures = slices.Clone(k.failures)
	out := Output{Replicas: max(in.Desired, 0)}
	if in.Now >= k.nextPoll {
		out = k.poll(in, out)
		k.nextPoll = in.Now + max(k.Polling, time.Second)
	}
	if in.Now >= k.nextSync {
		in.Desired = out.Replicas
		h, o := k.hpa.sync(in, k.serve(in))
		k.hpa, k.nextSync = h, o.Next
		out.Replicas, out.Reasons = o.Replicas, slices.Concat(out.Reasons, o.Reasons)
	}
	out.Next = min(k.nextPoll, k.nextSync)
	return k, out
}

// poll is KEDA's own loop.
func (k *KEDA) poll(in Input, out Output) Output {
	active, failed := k.state(in)
	if active || k.ForceActivation {
		return k.awake(in, out, failed)
	}
	n := out.Replicas
	switch {
	case failed && (k.Fallback == nil || k.Fallback.Replicas != 0):
		return out.held("trigger error")
	case k.Idle != nil && n > *k.Idle:
		return k.sleep(in, out, *k.Idle)
	case n > 0 && k.Min <= 0:
		return k.sleep(in, out, 0)
	case k.Idle == nil && n < k.Min:
		return out.to("minimum", k.Min)
	}
	return out
}

// awake is the poll of an active service.
func (k *KEDA) awake(in Input, out Output, failed bool) Output {
	switch {
	case out.Replicas == 0, k.Idle != nil && out.Replicas < k.Min:
		k.lastActive = in.Now
		return out.to("activation", max(k.Min, 1))
	case !failed:
		k.lastActive = in.Now
	}
	return out
}

// sleep goes to zero or idle when the service has been inactive for long enough. The
// real comparison is strict, of a last activity that is stored in whole seconds: in
// effect a poll exactly one cooldown later acts.
func (k *KEDA) sleep(in Input, out Output, idle int) Output {
	since, wait := k.lastActive, k.Cooldown
	if k.lastActive < 0 {
		since, wait = k.created, k.InitialCooldown
	}
	if in.Now < since+wait {
		return out.held("cooldown")
	}
	return out.to("cooldown over", max(idle, 0))
}

// state says whether any trigger is active and whether any failed.
func (k *KEDA) state(in Input) (active, failed bool) {
	seen := k.observed
	if !k.reuse() {
		seen = k.observe(in)
		k.polled = seen
	}
	for _, o := range seen {
		active, failed = active || o.active, failed || o.failed
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
func (k *KEDA) reuse() bool {
	for _, t := range k.Triggers {
		if t.Cached {
			return false
		}
	}
	return k.Min > 0 && k.Idle == nil && k.Modifiers == nil && k.hpa.Active() && k.observed != nil
}

// serve is what the HPA's metrics read: the resources, and each trigger or the one
// number that the formula makes of them.
func (k *KEDA) serve(in Input) []reading.Series {
	values := make([]reading.Series, len(k.hpa.Metrics))
	for i, m := range k.Resources {
		values[i] = in.Readings.Of(m.Signal)
	}
	if in.Desired <= 0 || in.Desired > k.hpa.most() || in.Desired < k.hpa.least() {
		return values // the HPA will not ask
	}
	k.observed = k.observe(in)
	external := values[len(k.Resources):]
	if k.Modifiers != nil {
		value, ok := k.combine(k.observed)
		external[0] = answer(value, ok, in.Now)
		return values
	}
	for i, o := range k.observed {
		external[i] = answer(o.value, !o.failed, in.Now)
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
