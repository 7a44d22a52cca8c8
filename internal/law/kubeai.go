package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// KubeAI is KubeAI's model autoscaler (github.com/substratusai/kubeai
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
type KubeAI struct {
	KubeAIConfig
	seen reading.Window
	down int // wishes for fewer passed over in a row
}

// KubeAIConfig is its configuration.
type KubeAIConfig struct {
	Bounds
	Target  float64
	Every   time.Duration
	Samples int
	Votes   int
}

// Needs are the parts of the concurrency.
func (k KubeAI) Needs() []reading.Signal {
	return []reading.Signal{reading.Running, reading.Waiting, reading.Held}
}

// Step is one interval.
func (k KubeAI) Step(in Input) (Law, Output) {
	every := max(k.Every, time.Second)
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + every}
	requests, ok := in.concurrency()
	if !ok {
		return k, out.held("no data").clamp(k.Bounds)
	}
	if in.Desired <= 0 {
		out.Next = in.Now + time.Second
		if requests > 0 {
			out = out.to("scale from zero", 1)
		}
		return k, out.clamp(k.Bounds)
	}
	span := every * time.Duration(max(k.Samples, 1))
	k.seen = k.seen.Add(in.Now, requests, span)
	sum := 0.0
	for _, s := range k.seen.Since(in.Now - span) {
		sum += s.Value
	}
	want := k.Clamp(ceil(sum / float64(max(k.Samples, 1)) / k.Target))
	if want >= in.Desired {
		k.down = 0
		return k, out.to("requests in flight", want)
	}
	if k.down < k.Votes {
		k.down++
		return k, out.held("votes").clamp(k.Bounds)
	}
	return k, out.to("requests in flight", want)
}

func kubeaiSpec() Spec {
	return Spec{
		Name: "kubeai", Doc: "KubeAI: requests in flight, averaged over 10 minutes",
		Source: "github.com/substratusai/kubeai internal/modelautoscaler/autoscaler.go at 14fd17f",
		Params: bounded("1",
			Param{Name: "target", Default: "100", Unit: "requests", Doc: "targetRequests"},
			Param{Name: "every", Default: "10s", Doc: "interval"},
			Param{Name: "samples", Default: "60", Doc: "timeWindow over interval"},
			Param{Name: "votes", Default: "3", Doc: "scaleDownDelaySeconds over interval"},
		),
		build: func(v *values, _ Facts) Law {
			return KubeAI{KubeAIConfig: KubeAIConfig{
				Bounds: v.bounds(), Target: v.above("target"), Every: v.duration("every"),
				Samples: v.count("samples"), Votes: v.count("votes"),
			}}
		},
	}
}
