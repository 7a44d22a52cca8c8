package kubeai

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Law is KubeAI's model autoscaler (github.com/substratusai/kubeai
// internal/modelautoscaler/autoscaler.go at 14fd17f, internal/modelscaler/scaler.go at
// 0f3b290). Every 10 s, with R the requests in flight:
//
//	⌈(mean of the last 60 R)/Target⌉
//
// The 60 begin as zeros, so that a burst on a young model counts little. A wish for
// fewer is passed over 3 times in a row before it acts, and acts at once from then on
// until there is a wish for as many or more. At 0 a request asks for 1 at once.
//
// Worked example (TestKubeAIWorkedExample): 1 replica, 300 in flight from the start,
// target 100: after 21 samples the mean is 105 and it wants 2, at 200 s.
type Law struct {
	law.Bounds
	Target  float64
	Every   time.Duration
	Samples int
	Votes   int
}

// State is what it remembers.
type State struct {
	Seen reading.Window
	Down int // wishes for fewer passed over in a row
}

// Name is kubeai.
func (c Law) Name() string { return "kubeai" }

// Needs are the parts of the concurrency.
func (c Law) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is one interval.
func (c Law) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, every := law.Resume[State](state), max(c.Every, time.Second)
	out := in.Start(every)
	requests, ok := in.Concurrency()
	if !ok {
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	}
	if in.Fleet.Desired <= 0 {
		out.Next = in.Now + time.Second
		if requests > 0 {
			out = out.By(law.RuleFromZero, law.Replicas(law.TermReplicas, 1))
		}
		return s, out.Clamp(c.Bounds)
	}
	span := every * time.Duration(max(c.Samples, 1))
	s.Seen = s.Seen.Add(in.Now, requests, span)
	sum := 0.0
	for _, one := range s.Seen.Since(in.Now - span) {
		sum += one.Value
	}
	load := law.Known(law.TermLoad, sum/float64(max(c.Samples, 1)), law.UnitRequests)
	want := out.By(law.RuleInFlight, load, law.Known(law.TermTarget, c.Target, law.UnitRequests)).Clamp(c.Bounds)
	if want.Replicas >= in.Fleet.Desired {
		s.Down = 0
		return s, want
	}
	if s.Down < c.Votes {
		s.Down++
		return s, out.Held(law.RuleVotes, law.Known(law.TermVotes, float64(s.Down), law.UnitNone)).Clamp(c.Bounds)
	}
	return s, want
}

// Spec describes the law.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "kubeai", Doc: "KubeAI: requests in flight, averaged over 10 minutes",
		Source: "github.com/substratusai/kubeai internal/modelautoscaler/autoscaler.go at 14fd17f",
		Params: spec.Bounded("1",
			spec.Param{Name: "target", Default: "100", Unit: "requests", Doc: "targetRequests"},
			spec.Param{Name: "every", Default: "10s", Doc: "interval"},
			spec.Param{Name: "samples", Default: "60", Doc: "timeWindow over interval"},
			spec.Param{Name: "votes", Default: "3", Doc: "scaleDownDelaySeconds over interval"},
		),
		Build: func(v *spec.Values) law.Law {
			return Law{
				Bounds: v.Bounds(), Target: v.Above("target"), Every: v.Duration("every"),
				Samples: v.Count("samples"), Votes: v.Count("votes"),
			}
		},
	}
}
