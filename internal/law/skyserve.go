package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// SkyServe is SkyPilot's request-rate autoscaler (github.com/skypilot-org/skypilot
// sky/serve/autoscalers.py, read in php-workx/skypilot at 183eb9b). Every 20 s, with the
// requests of the last 60 s:
//
//	⌈requests/60/QPS⌉ within the bounds
//
// which acts once 15 decisions in a row wanted more, or 60 wanted fewer; at 0 at once.
//
// Worked example (TestSkyServeWorkedExample): 1 replica, 3 requests per second of 1 per
// replica: 3, at the 15th decision, 280 s after the first.
type SkyServe struct {
	SkyServeConfig
	up, down int
}

// SkyServeConfig is replica_policy.
type SkyServeConfig struct {
	Bounds
	QPS       float64
	Every     time.Duration
	UpVotes   int
	DownVotes int
}

// Needs are the requests.
func (s SkyServe) Needs() []reading.Signal { return []reading.Signal{reading.Arrivals, reading.Held} }

// Step is one decision.
func (s SkyServe) Step(in Input) (Law, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(s.Every, time.Second)}
	rate, ok := in.total(reading.Arrivals)
	if !ok {
		return s, out.held("no data").clamp(s.Bounds)
	}
	want := ceil(rate / s.QPS)
	if held, _ := in.total(reading.Held); held > 0 {
		want = max(want, 1) // its load balancer counts what it cannot send on yet
	}
	switch want = s.Clamp(want); {
	case in.Desired <= 0, want == in.Desired:
		s.up, s.down = 0, 0
		return s, out.to("request rate", want)
	case want > in.Desired:
		s.up, s.down = s.up+1, 0
		if s.up < s.UpVotes {
			return s, out.held("upscale delay").clamp(s.Bounds)
		}
		s.up = 0
	default:
		s.up, s.down = 0, s.down+1
		if s.down < s.DownVotes {
			return s, out.held("downscale delay").clamp(s.Bounds)
		}
		s.down = 0
	}
	return s, out.to("request rate", want)
}

func skyserveSpec() Spec {
	return Spec{
		Name: "skyserve", Doc: "SkyPilot: requests per second, up after 5 min, down after 20 min",
		Source: "github.com/skypilot-org/skypilot sky/serve/autoscalers.py",
		Params: bounded("1",
			Param{Name: "qps", Default: "1", Unit: "requests/s", Doc: "target_qps_per_replica"},
			Param{Name: "every", Default: "20s", Doc: "between decisions"},
			Param{Name: "up-votes", Default: "15", Doc: "upscale_delay_seconds over every"},
			Param{Name: "down-votes", Default: "60", Doc: "downscale_delay_seconds over every"},
		),
		build: func(v *values, _ Facts) Law {
			return SkyServe{SkyServeConfig: SkyServeConfig{
				Bounds: v.bounds(), QPS: v.above("qps"), Every: v.duration("every"),
				UpVotes: v.count("up-votes"), DownVotes: v.count("down-votes"),
			}}
		},
	}
}
