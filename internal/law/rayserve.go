package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// RayServe is Ray Serve's default policy (github.com/ray-project/ray
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
type RayServe struct {
	RayServeConfig
	seen       reading.Window
	sample     time.Duration // when the next is due
	above      time.Duration // since when it wants more; -1: it does not
	below      time.Duration
	configured bool
}

// RayServeConfig is AutoscalingConfig.
type RayServeConfig struct {
	Bounds
	Target                     float64
	UpFactor, DownFactor       float64
	UpDelay, DownDelay, ToZero time.Duration
	MetricsEvery, Look         time.Duration
}

// Needs are the parts of the concurrency.
func (r RayServe) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is a round of the control loop at which something can change.
func (r RayServe) Step(in Input) (Law, Output) {
	if !r.configured {
		r.configured, r.above, r.below = true, -1, -1
	}
	out := Output{Replicas: max(in.Desired, 0)}
	if in.Now >= r.sample {
		if c, ok := in.concurrency(); ok {
			r.seen = r.seen.Add(in.Now, c, max(r.Look, r.MetricsEvery))
		}
		r.sample = in.Now + max(r.MetricsEvery, time.Second)
	}
	out.Next = r.sample
	requests, ok := r.seen.Mean(in.Now - r.Look)
	switch {
	case !ok:
		return r, out.held("no data").clamp(r.Bounds)
	case in.Fleet.Ready <= 0:
		if requests > 0 {
			out = out.to("cold start", max(ceil(r.UpFactor), in.Desired))
		}
		return r, out.clamp(r.Bounds)
	}
	r, out = r.delay(in, out, r.Clamp(r.scaled(requests, in.Fleet.Ready)))
	return r, out.clamp(r.Bounds)
}

// scaled is the wish after the factors.
func (r RayServe) scaled(requests float64, current int) int {
	desired := requests / r.Target
	factor := r.UpFactor
	if desired < float64(current) {
		factor = r.DownFactor
	}
	n := ceil(float64(current) + factor*(desired-float64(current)))
	if ceil(desired) < current && n == current {
		n--
	}
	return n
}

// delay lets a wish act once it has lasted.
func (r RayServe) delay(in Input, out Output, want int) (RayServe, Output) {
	wait := r.UpDelay
	since, other := &r.above, &r.below
	switch {
	case want == in.Desired:
		r.above, r.below = -1, -1
		return r, out
	case want < in.Desired:
		since, other, wait = &r.below, &r.above, r.DownDelay
		if in.Desired == 1 {
			wait = r.ToZero
		} else {
			want = max(want, 1)
		}
	}
	*other = -1
	if *since < 0 {
		*since = in.Now
	}
	if due := *since + wait; in.Now < due {
		out.Next = min(out.Next, due)
		return r, out.held("delay")
	}
	*since = -1
	return r, out.to("requests in flight", want)
}

func rayServeSpec() Spec {
	return Spec{
		Name: "ray-serve", Doc: "Ray Serve: requests in flight per replica, up after 30 s, down after 10 min",
		Source: "github.com/ray-project/ray python/ray/serve/autoscaling_policy.py at 00590c4",
		Params: bounded("1",
			Param{Name: "target", Default: "2", Unit: "requests", Doc: "target_ongoing_requests"},
			Param{Name: "up-factor", Default: "1", Doc: "upscaling_factor"},
			Param{Name: "down-factor", Default: "1", Doc: "downscaling_factor"},
			Param{Name: "up-delay", Default: "30s", Doc: "upscale_delay_s"},
			Param{Name: "down-delay", Default: "600s", Doc: "downscale_delay_s"},
			Param{Name: "zero-delay", Default: "600s", Doc: "downscale_to_zero_delay_s"},
			Param{Name: "every", Default: "10s", Doc: "metrics_interval_s"},
			Param{Name: "look", Default: "30s", Doc: "look_back_period_s"},
		),
		build: func(v *values, _ Facts) Law {
			return RayServe{RayServeConfig: RayServeConfig{
				Bounds: v.bounds(), Target: v.above("target"), UpFactor: v.above("up-factor"), DownFactor: v.above("down-factor"),
				UpDelay: v.duration("up-delay"), DownDelay: v.duration("down-delay"), ToZero: v.duration("zero-delay"),
				MetricsEvery: v.duration("every"), Look: v.duration("look"),
			}}
		},
	}
}
