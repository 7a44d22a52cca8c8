package law

import (
	"math"
	"time"

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
	KPAConfig
	started    bool
	panicking  bool
	panicSince time.Duration
	panicPods  int
	stable     average
	panic      average
	delayed    reading.Window
	zeroSince  time.Duration // -1: it wants some
}

// KPAConfig are the keys of config-autoscaler.
type KPAConfig struct {
	Bounds
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

// Defaults are Knative's.
func (c KPAConfig) Defaults() KPAConfig {
	return KPAConfig{
		Bounds: c.Bounds, Target: 70, Tick: 2 * time.Second, StableWindow: time.Minute,
		PanicWindow: 6 * time.Second, PanicThreshold: 2, MaxUp: 1000, MaxDown: 2, ToZeroGrace: 30 * time.Second,
	}
}

// Needs are the parts of the concurrency.
func (k KPA) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is one tick; the first only notes how many pods there are.
func (k KPA) Step(in Input) (Law, Output) {
	tick := max(k.Tick, time.Millisecond)
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + tick}
	if !k.started {
		k.started, k.zeroSince = true, -1
		k.panicking, k.panicSince, k.panicPods = in.Fleet.Ready > 1, in.Now, in.Fleet.Ready
		return k, out.held("first tick")
	}
	if c, ok := in.concurrency(); ok {
		k.stable = k.stable.add(in.Now, c, k.StableWindow)
		k.panic = k.panic.add(in.Now, c, k.PanicWindow)
	}
	s, ok := k.stable.at(in.Now, tick, k.StableWindow)
	p, _ := k.panic.at(in.Now, tick, k.PanicWindow)
	if !ok || k.Target <= 0 {
		return k, out.held("no data")
	}
	want := k.want(in, s, p)
	if k.panicking {
		k.panicPods = max(k.panicPods, want)
		out = out.to("panic", k.panicPods)
	} else {
		out = out.to("stable", want)
	}
	if k.ScaleDownDelay > 0 {
		k.delayed = k.delayed.Add(in.Now, float64(out.Replicas), k.ScaleDownDelay)
		most, _ := k.delayed.Max(in.Now - k.ScaleDownDelay)
		out = out.to("scale-down delay", count(most))
	}
	return k.grace(in, out)
}

// want is the number before panic holds it; it enters and leaves panic.
func (k *KPA) want(in Input, s, p float64) int {
	ready := float64(max(in.Fleet.Ready, 1))
	most, least := math.Ceil(k.MaxUp*ready), 0.0
	if k.MaxDown > 0 {
		least = math.Floor(ready / k.MaxDown)
	}
	ds, dp := math.Ceil(s/k.Target), math.Ceil(p/k.Target)
	stable, panicked := k.clamped(ds, least, most), k.clamped(dp, least, most)
	over := dp/ready >= k.PanicThreshold
	switch {
	case over:
		k.panicking, k.panicSince = true, in.Now
	case k.panicking && k.panicSince+k.StableWindow < in.Now:
		k.panicking, k.panicPods = false, 0
	}
	if k.panicking {
		return max(stable, panicked)
	}
	return stable
}

// clamped is a number of pods within the rates; any but none is at least the
// activation scale.
func (k *KPA) clamped(want, least, most float64) int {
	n := count(min(max(want, least), most))
	if want > 0 && k.ActivationScale > 1 {
		return max(n, k.ActivationScale)
	}
	return n
}

// grace keeps the last pod for as long as the activator may need to take over.
func (k KPA) grace(in Input, out Output) (Law, Output) {
	if out.Replicas > 0 || k.least() > 0 {
		k.zeroSince = -1
		return k, out.clamp(k.Bounds)
	}
	if k.zeroSince < 0 {
		k.zeroSince = in.Now
	}
	if in.Now < k.zeroSince+k.ToZeroGrace {
		out = out.to("scale-to-zero grace", min(max(in.Desired, 0), 1))
	}
	return k, out.clamp(k.Bounds)
}

// An average is a mean over a window of one sample per tick: of the ticks since the
// first sample, and a tick without a sample between two counts as zero.
type average struct {
	samples reading.Window
	first   time.Duration
}

func (a average) add(now time.Duration, value float64, span time.Duration) average {
	if a.samples.Len() == 0 || now-a.last() >= span {
		a = average{first: now}
	}
	a.samples = a.samples.Add(now, value, span)
	return a
}

func (a average) last() time.Duration {
	samples := a.samples.Since(-1)
	if len(samples) == 0 {
		return 0
	}
	return samples[len(samples)-1].At
}

// at is the mean, and false after a window without samples.
func (a average) at(now, tick, span time.Duration) (float64, bool) {
	if a.samples.Len() == 0 || now-a.last() > span {
		return 0, false
	}
	sum := 0.0
	for _, s := range a.samples.Since(now - span) {
		sum += s.Value
	}
	missing := (now - a.last()) / tick
	ticks := min((a.last()-a.first)/tick+1, (span+tick-1)/tick-missing)
	if ticks <= 0 {
		return 0, true
	}
	const precision = 1e6
	return math.Round(sum/float64(ticks)*precision) / precision, true
}

func kpaSpec() Spec {
	return Spec{
		Name: "kpa", Doc: "Knative's concurrency, averaged over a stable and a panic window",
		Source: "knative.dev/serving v0.48.1 pkg/autoscaler/scaling/autoscaler.go",
		Params: bounded("1",
			Param{Name: "target", Default: "70", Unit: "requests", Doc: "in flight per replica: 70 % of the limit, or of 100"},
			Param{Name: "tick", Default: "2s", Doc: "between decisions"},
			Param{Name: "stable", Default: "60s", Doc: "window"},
			Param{Name: "panic", Default: "6s", Doc: "window"},
			Param{Name: "threshold", Default: "2", Doc: "panic when so many times the ready replicas are wanted"},
			Param{Name: "up", Default: "1000", Doc: "at most so many times the ready replicas"},
			Param{Name: "down", Default: "2", Doc: "at least the ready replicas divided by it"},
			Param{Name: "delay", Default: "0s", Doc: "scale-down-delay"},
			Param{Name: "activation", Default: "1", Unit: "replicas", Doc: "activation-scale"},
			Param{Name: "grace", Default: "30s", Doc: "before the last replica goes"},
		),
		build: func(v *values, _ Facts) Law {
			return KPA{KPAConfig: KPAConfig{
				Bounds: v.bounds(), Target: v.above("target"), Tick: v.duration("tick"),
				StableWindow: v.duration("stable"), PanicWindow: v.duration("panic"), PanicThreshold: v.above("threshold"),
				MaxUp: v.above("up"), MaxDown: v.above("down"), ScaleDownDelay: v.duration("delay"),
				ActivationScale: v.count("activation"), ToZeroGrace: v.duration("grace"),
			}}
		},
	}
}
