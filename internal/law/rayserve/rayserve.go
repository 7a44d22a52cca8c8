package rayserve

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is Ray Serve's default policy (github.com/ray-project/ray
// python/ray/serve/autoscaling_policy.py at 00590c4, config.py). With c running replicas
// and R requests in flight, a mean of 30 s that is renewed every 10 s:
//
//	desired  c·(R/(Target·c))
//	scaled   ⌈c + f(desired − c)⌉, f for up or down; −1 if that is c on the way down
//
// A wish above or below what is asked for must last UpDelay or DownDelay; below 1 only
// from 1 to 0. At 0 running any request asks for ⌈f⌉ at once. Its control loop counts
// rounds of 0.1 s; here the time is kept.
//
// Worked example (TestRayServeWorkedExample): 2 replicas, 9 in flight, target 2:
// 2·(9/4) = 4.5 → 5, once it has lasted 30 s.
type Law struct {
	law.Bounds
	Target                     float64
	UpFactor, DownFactor       float64
	UpDelay, DownDelay, ToZero time.Duration
	MetricsEvery, Look         time.Duration
}

// State is what it remembers.
type State struct {
	Started bool
	Seen    reading.Window
	Sample  time.Duration // when the next is due
	Above   time.Duration // since when it wants more; -1: it does not
	Below   time.Duration
}

// Name is ray-serve.
func (c Law) Name() string { return "ray-serve" }

// Needs are the parts of the concurrency.
func (c Law) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is a round of the control loop at which something can change.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out := law.Resume[State](state), in.Start(0)
	if !s.Started {
		s.Started, s.Above, s.Below = true, -1, -1
	}
	if in.Now >= s.Sample {
		if load, ok := in.Concurrency(); ok {
			s.Seen = s.Seen.Add(in.Now, load, max(c.Look, c.MetricsEvery))
		}
		s.Sample = in.Now + max(c.MetricsEvery, time.Second)
	}
	out.Next = s.Sample
	requests, ok := s.Seen.Mean(in.Now - c.Look)
	switch {
	case !ok:
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	case in.Fleet.Ready <= 0:
		if requests > 0 {
			out = out.By(law.RuleColdStart, law.Known(law.TermFactor, c.UpFactor, law.UnitNone), law.Known(law.TermLoad, requests, law.UnitRequests))
		}
		return s, out.Clamp(c.Bounds)
	}
	s, out = c.delay(s, in, out, c.scaled(out, requests, in.Fleet.Ready))
	return s, out.Clamp(c.Bounds)
}

// scaled is the wish after the factors.
func (c Law) scaled(out law.Output, requests float64, current int) law.Output {
	factor := c.UpFactor
	if requests/c.Target < float64(current) {
		factor = c.DownFactor
	}
	return out.By(law.RuleScaled, law.Known(law.TermLoad, requests, law.UnitRequests), law.Known(law.TermTarget, c.Target, law.UnitRequests),
		law.Replicas(law.TermReady, current), law.Known(law.TermFactor, factor, law.UnitNone)).Clamp(c.Bounds)
}

// delay lets a wish act once it has lasted.
func (c Law) delay(s State, in law.Input, out, want law.Output) (State, law.Output) {
	wait, desired := c.UpDelay, in.Fleet.Desired
	since, other := &s.Above, &s.Below
	switch {
	case want.Replicas == desired:
		s.Above, s.Below = -1, -1
		return s, out
	case want.Replicas < desired:
		since, other, wait = &s.Below, &s.Above, c.DownDelay
		if desired == 1 {
			wait = c.ToZero
		} else {
			want = want.By(law.RuleLastOne, law.Replicas(law.TermReplicas, 1))
		}
	}
	*other = -1
	if *since < 0 {
		*since = in.Now
	}
	if due := *since + wait; in.Now < due {
		out.Next = min(out.Next, due)
		return s, out.Held(law.RuleDelay, law.Seconds(law.TermWait, due-in.Now))
	}
	*since = -1
	return s, want
}

// Spec describes the law.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "ray-serve", Doc: "Ray Serve: requests in flight per replica, up after 30 s, down after 10 min",
		Source: "github.com/ray-project/ray python/ray/serve/autoscaling_policy.py at 00590c4",
		Params: spec.Bounded("1",
			spec.Param{Name: "target", Default: "2", Unit: "requests", Doc: "target_ongoing_requests"},
			spec.Param{Name: "up-factor", Default: "1", Doc: "upscaling_factor"},
			spec.Param{Name: "down-factor", Default: "1", Doc: "downscaling_factor"},
			spec.Param{Name: "up-delay", Default: "30s", Doc: "upscale_delay_s"},
			spec.Param{Name: "down-delay", Default: "600s", Doc: "downscale_delay_s"},
			spec.Param{Name: "zero-delay", Default: "600s", Doc: "downscale_to_zero_delay_s"},
			spec.Param{Name: "every", Default: "10s", Doc: "metrics_interval_s"},
			spec.Param{Name: "look", Default: "30s", Doc: "look_back_period_s"},
		),
		Build: func(v *spec.Values) law.Law {
			return Law{
				Bounds: v.Bounds(), Target: v.Above("target"), UpFactor: v.Above("up-factor"), DownFactor: v.Above("down-factor"),
				UpDelay: v.Duration("up-delay"), DownDelay: v.Duration("down-delay"), ToZero: v.Duration("zero-delay"),
				MetricsEvery: v.Duration("every"), Look: v.Duration("look"),
			}
		},
	}
}
