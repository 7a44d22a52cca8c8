package aibrix

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Config is what AIBrix's two laws share (github.com/vllm-project/aibrix
// pkg/controller/podautoscaler/context/context.go at 65242b7): every 10 s the metric is
// averaged over the ready pods, and that over a window. A recommendation above n counts
// at once; one below, as coded, is replaced by the *least* of the last 300 s, so that
// the window speeds a fall up. Intended is the greatest.
type Config struct {
	law.Bounds
	Signal    reading.Signal
	Target    float64
	Tolerance float64 // 0.1: none from 0.9 to 1.1 of the target
	MaxUp     float64 // 2: at most twice the replicas
	MaxDown   float64 // 2: at least half the replicas
	Every     time.Duration
	Stable    time.Duration
	Panic     time.Duration
	Window    time.Duration // for recommendations below n
	Intended  bool
}

// stabilize is the last step of both laws.
func (c Config) stabilize(in law.Input, past reading.Window, out law.Output) (reading.Window, law.Output) {
	past = past.Add(in.Now, float64(out.Replicas), c.Window)
	if out.Replicas < in.Fleet.Desired {
		pick := past.Min
		if c.Intended {
			pick = past.Max
		}
		if n, ok := pick(in.Now - c.Window); ok {
			out = out.By(law.RuleWindow, law.Replicas(law.TermWindow, law.Count(n)), law.Replicas(law.TermDesired, in.Fleet.Desired))
		}
	}
	return past, out.Clamp(c.Bounds)
}

func params() []spec.Param {
	return spec.Bounded("1",
		spec.Param{Name: "metric", Default: "kv", Doc: "series, averaged over the ready pods"},
		spec.Param{Name: "target", Default: "0.5", Doc: "of that mean"},
		spec.Param{Name: "tolerance", Default: "0.1", Doc: "share of the target, both ways"},
		spec.Param{Name: "up", Default: "2", Doc: "at most so many times the replicas"},
		spec.Param{Name: "down", Default: "2", Doc: "at least the replicas divided by it"},
		spec.Param{Name: "every", Default: "10s", Doc: "between decisions"},
		spec.Param{Name: "stable", Default: "180s", Doc: "window of the metric"},
		spec.Param{Name: "panic", Default: "60s", Doc: "shorter window of the metric"},
		spec.Param{Name: "window", Default: "300s", Doc: "of recommendations below the replicas there are"},
		spec.Param{Name: "as", Default: "coded", Words: []string{"coded", "intended"}, Doc: "least of the window and means, or greatest and sums"},
	)
}

func read(v *spec.Values) Config {
	return Config{
		Bounds: v.Bounds(), Signal: v.Signal(), Target: v.Above("target"), Tolerance: v.Number("tolerance"),
		MaxUp: v.Above("up"), MaxDown: v.Above("down"), Every: v.Duration("every"), Stable: v.Duration("stable"),
		Panic: v.Duration("panic"), Window: v.Duration("window"), Intended: v.Word("as") == "intended",
	}
}
