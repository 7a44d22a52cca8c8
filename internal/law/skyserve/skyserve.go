package skyserve

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is SkyPilot's request-rate autoscaler (github.com/skypilot-org/skypilot
// sky/serve/autoscalers.py, read in php-workx/skypilot at 183eb9b). Every 20 s, with the
// requests of the last 60 s:
//
//	⌈requests/60/QPS⌉ within the bounds
//
// which acts once 15 decisions in a row wanted more, or 60 wanted fewer; at 0 at once.
//
// Worked example (TestSkyServeWorkedExample): 1 replica, 3 requests per second of 1 per
// replica: 3, at the 15th decision, 280 s after the first.
type Law struct {
	law.Bounds
	QPS       float64
	Every     time.Duration
	UpVotes   int
	DownVotes int
}

// State counts the decisions in a row that wanted more or fewer.
type State struct{ Up, Down int }

// Name is skyserve.
func (c Law) Name() string { return "skyserve" }

// Needs are the requests.
func (c Law) Needs() []reading.Signal { return []reading.Signal{reading.Arrivals, reading.Held} }

// Step is one decision.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out := law.Resume[State](state), in.Start(max(c.Every, time.Second))
	arrivals := in.Readings.Of(reading.Arrivals).Total
	if !arrivals.Usable() {
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	}
	held, _ := in.Total(reading.Held) // its load balancer counts what it cannot send on yet
	want := out.By(law.RuleRate, law.Read(law.TermArrivals, arrivals, law.UnitRequestsPerSecond),
		law.Known(law.TermTarget, c.QPS, law.UnitRequestsPerSecond), law.Known(law.TermHeld, held, law.UnitRequests)).Clamp(c.Bounds)
	switch desired := in.Fleet.Desired; {
	case desired <= 0, want.Replicas == desired:
		s.Up, s.Down = 0, 0
	case want.Replicas > desired:
		s.Up, s.Down = s.Up+1, 0
		if s.Up < c.UpVotes {
			return s, out.Held(law.RuleVotes, law.Known(law.TermVotes, float64(s.Up), law.UnitNone)).Clamp(c.Bounds)
		}
		s.Up = 0
	default:
		s.Up, s.Down = 0, s.Down+1
		if s.Down < c.DownVotes {
			return s, out.Held(law.RuleVotes, law.Known(law.TermVotes, float64(s.Down), law.UnitNone)).Clamp(c.Bounds)
		}
		s.Down = 0
	}
	return s, want
}

// Spec describes the law.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "skyserve", Doc: "SkyPilot: requests per second, up after 5 min, down after 20 min",
		Source: "github.com/skypilot-org/skypilot sky/serve/autoscalers.py",
		Params: spec.Bounded("1",
			spec.Param{Name: "qps", Default: "1", Unit: "requests/s", Doc: "target_qps_per_replica"},
			spec.Param{Name: "every", Default: "20s", Doc: "between decisions"},
			spec.Param{Name: "up-votes", Default: "15", Doc: "upscale_delay_seconds over every"},
			spec.Param{Name: "down-votes", Default: "60", Doc: "downscale_delay_seconds over every"},
		),
		Build: func(v *spec.Values) law.Law {
			return Law{
				Bounds: v.Bounds(), QPS: v.Above("qps"), Every: v.Duration("every"),
				UpVotes: v.Count("up-votes"), DownVotes: v.Count("down-votes"),
			}
		},
	}
}
