package knative

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// KPA is Knative's pod autoscaler (knative.dev/serving/pkg/autoscaler/scaling/
// autoscaler.go at v0.48.1, windows as in pkg/autoscaler/aggregation/bucketing.go,
// constants of config/core/configmaps/autoscaler.yaml). Every 2 s, with
//
//	S, P   mean concurrency over the stable and the panic window
//	T      target concurrency of a pod
//	r      max(1, ready pods)
//	ds, dp ⌈S/T⌉ and ⌈P/T⌉, at least ⌊r/MaxDown⌋ and at most ⌈MaxUp·r⌉
//
// it wants ds. If ⌈P/T⌉/r reaches PanicThreshold it panics: it wants the most of ds
// and dp that it has wanted since, until a stable window has passed below it. It
// begins panicking if more than one pod is ready. Then the most of ScaleDownDelay.
// No data: no change. Not here: the activator that holds requests while ⌊ready·capacity
// − 211 − P⌋ < 0.
//
// Worked example (TestKPAWorkedExample): T = 70, 1 pod, 30 s of concurrency 35, then
// 350 for one tick: P = (35+35+350)/3 = 140, S = 35 + 315/16 = 54.7, ds = 1, dp = 2;
// ⌈P/T⌉/r = 2 reaches the threshold, so it panics: 2.
type KPA struct {
	law.Bounds
	Target          float64 // container-concurrency-target-default · target-percentage
	Tick            time.Duration
	StableWindow    time.Duration
	PanicWindow     time.Duration
	PanicThreshold  float64
	MaxUp, MaxDown  float64
	ScaleDownDelay  time.Duration
	ActivationScale int
	ToZeroGrace     time.Duration
}

// State is what the autoscaler remembers.
type State struct {
	Started    bool
	Panicking  bool
	PanicSince time.Duration
	PanicPods  int
	Stable     Average
	Panic      Average
	Delayed    reading.Window
	ZeroSince  time.Duration // -1: it wants some
}

// Defaults are Knative's.
func (c KPA) Defaults() KPA {
	return KPA{
		Bounds: c.Bounds, Target: 70, Tick: 2 * time.Second, StableWindow: time.Minute,
		PanicWindow: 6 * time.Second, PanicThreshold: 2, MaxUp: 1000, MaxDown: 2, ToZeroGrace: 30 * time.Second,
	}
}

// Name is kpa.
func (c KPA) Name() string { return "kpa" }

// Needs are the parts of the concurrency.
func (c KPA) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is one tick; the first only notes how many pods there are.
func (c KPA) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, tick := law.Resume[State](state), max(c.Tick, time.Millisecond)
	out := in.Start(tick)
	if !s.Started {
		s.Started, s.ZeroSince = true, -1
		s.Panicking, s.PanicSince, s.PanicPods = in.Fleet.Ready > 1, in.Now, in.Fleet.Ready
		return s, out.Held(law.RuleFirstTick)
	}
	if load, ok := in.Concurrency(); ok {
		s.Stable = s.Stable.add(in.Now, load, c.StableWindow)
		s.Panic = s.Panic.add(in.Now, load, c.PanicWindow)
	}
	stable, ok := s.Stable.at(in.Now, tick, c.StableWindow)
	panicked, _ := s.Panic.at(in.Now, tick, c.PanicWindow)
	if !ok || c.Target <= 0 {
		return s, out.Held(law.RuleNoData)
	}
	s, out = c.want(s, in, out, [2]float64{stable, panicked})
	if c.ScaleDownDelay > 0 {
		s.Delayed = s.Delayed.Add(in.Now, float64(out.Replicas), c.ScaleDownDelay)
		most, _ := s.Delayed.Max(in.Now - c.ScaleDownDelay)
		out = out.By(law.RuleScaleDownDelay, law.Replicas(law.TermGreatest, law.Count(most)))
	}
	return c.grace(s, in, out)
}

// want enters and leaves panic, and sets the number that the windows' loads ask for.
func (c KPA) want(s State, in law.Input, out law.Output, loads [2]float64) (State, law.Output) {
	ready := float64(max(in.Fleet.Ready, 1))
	most, least := math.Ceil(c.MaxUp*ready), 0.0
	if c.MaxDown > 0 {
		least = math.Floor(ready / c.MaxDown)
	}
	switch over := math.Ceil(loads[1]/c.Target)/ready >= c.PanicThreshold; {
	case over:
		s.Panicking, s.PanicSince = true, in.Now
	case s.Panicking && s.PanicSince+c.StableWindow < in.Now:
		s.Panicking, s.PanicPods = false, 0
	}
	stable := law.Known(law.TermStable, loads[0], law.UnitRequests)
	target := law.Known(law.TermTarget, c.Target, law.UnitRequests)
	lower, upper := law.Known(law.TermLeast, least, law.UnitReplicas), law.Known(law.TermMost, most, law.UnitReplicas)
	activation := law.Replicas(law.TermActivation, c.ActivationScale)
	if !s.Panicking {
		return s, out.By(law.RuleStable, stable, target, lower, upper, activation)
	}
	out = out.By(law.RulePanic, stable, target, lower, upper, activation,
		law.Known(law.TermPanic, loads[1], law.UnitRequests), law.Replicas(law.TermBefore, s.PanicPods))
	s.PanicPods = out.Replicas
	return s, out
}

// grace keeps the last pod for as long as the activator may need to take over.
func (c KPA) grace(s State, in law.Input, out law.Output) (law.State, law.Output) {
	if out.Replicas > 0 || c.Least() > 0 {
		s.ZeroSince = -1
		return s, out.Clamp(c.Bounds)
	}
	if s.ZeroSince < 0 {
		s.ZeroSince = in.Now
	}
	if in.Now < s.ZeroSince+c.ToZeroGrace {
		out = out.By(law.RuleGrace, law.Replicas(law.TermDesired, in.Fleet.Desired))
	}
	return s, out.Clamp(c.Bounds)
}

// An Average is a mean over a window of one sample per tick: of the ticks since the
// first sample, and a tick without a sample between two counts as zero.
type Average struct {
	Samples reading.Window
	First   time.Duration
}

func (a Average) add(now time.Duration, value float64, span time.Duration) Average {
	if len(a.Samples) == 0 || now-a.last() >= span {
		a = Average{First: now}
	}
	a.Samples = a.Samples.Add(now, value, span)
	return a
}

func (a Average) last() time.Duration {
	samples := a.Samples.Since(-1)
	if len(samples) == 0 {
		return 0
	}
	return samples[len(samples)-1].At
}

// at is the mean, and false after a window without samples.
func (a Average) at(now, tick, span time.Duration) (float64, bool) {
	if len(a.Samples) == 0 || now-a.last() > span {
		return 0, false
	}
	sum := 0.0
	for _, s := range a.Samples.Since(now - span) {
		sum += s.Value
	}
	missing := (now - a.last()) / tick
	ticks := min((a.last()-a.First)/tick+1, (span+tick-1)/tick-missing)
	if ticks <= 0 {
		return 0, true
	}
	const precision = 1e6
	return math.Round(sum/float64(ticks)*precision) / precision, true
}

// Spec describes the law.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "kpa", Doc: "Knative's concurrency, averaged over a stable and a panic window",
		Source: "knative.dev/serving v0.48.1 pkg/autoscaler/scaling/autoscaler.go",
		Params: spec.Bounded("1",
			spec.Param{Name: "target", Default: "70", Unit: "requests", Doc: "in flight per replica: 70 % of the limit, or of 100"},
			spec.Param{Name: "tick", Default: "2s", Doc: "between decisions"},
			spec.Param{Name: "stable", Default: "60s", Doc: "window"},
			spec.Param{Name: "panic", Default: "6s", Doc: "window"},
			spec.Param{Name: "threshold", Default: "2", Doc: "panic when so many times the ready replicas are desired"},
			spec.Param{Name: "up", Default: "1000", Doc: "at most so many times the ready replicas"},
			spec.Param{Name: "down", Default: "2", Doc: "at least the ready replicas divided by it"},
			spec.Param{Name: "delay", Default: "0s", Doc: "scale-down-delay"},
			spec.Param{Name: "activation", Default: "1", Unit: "replicas", Doc: "activation-scale"},
			spec.Param{Name: "grace", Default: "30s", Doc: "before the last replica goes"},
		),
		Build: func(v *spec.Values) law.Law {
			return KPA{
				Bounds: v.Bounds(), Target: v.Above("target"), Tick: v.Duration("tick"),
				StableWindow: v.Duration("stable"), PanicWindow: v.Duration("panic"), PanicThreshold: v.Above("threshold"),
				MaxUp: v.Above("up"), MaxDown: v.Above("down"), ScaleDownDelay: v.Duration("delay"),
				ActivationScale: v.Count("activation"), ToZeroGrace: v.Duration("grace"),
			}
		},
	}
}
