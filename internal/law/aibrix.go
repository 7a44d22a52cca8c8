package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// AIBrixConfig is what AIBrix's two laws share (github.com/vllm-project/aibrix
// pkg/controller/podautoscaler/context/context.go at 65242b7): every 10 s the metric is
// averaged over the ready pods, and that over a window. A recommendation above n counts
// at once; one below, as coded, is replaced by the *least* of the last 300 s, so that
// the window speeds a fall up. Intended is the greatest.
type AIBrixConfig struct {
	Bounds
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

// mean is the metric's mean over the ready pods that have one.
func (in Input) mean(signal reading.Signal) (float64, bool) {
	rows, sum := in.rows(signal), 0.0
	for _, row := range rows {
		sum += row[0]
	}
	return sum / float64(len(rows)), len(rows) > 0
}

// limit keeps a number of pods within the rates.
func (c AIBrixConfig) limit(want, n float64) float64 {
	if c.MaxUp > 0 {
		want = min(want, float64(ceil(c.MaxUp*n)))
	}
	if c.MaxDown > 0 {
		want = max(want, float64(floor(n/c.MaxDown)))
	}
	return want
}

// stabilize is the last step of both laws.
func (c AIBrixConfig) stabilize(in Input, past reading.Window, out Output) (reading.Window, Output) {
	past = past.Add(in.Now, float64(out.Replicas), c.Window)
	if out.Replicas < in.Desired {
		pick := past.Min
		if c.Intended {
			pick = past.Max
		}
		if n, ok := pick(in.Now - c.Window); ok {
			out = out.to("stabilization", min(count(n), in.Desired))
		}
	}
	return past, out.clamp(c.Bounds)
}

func aibrixParams() []Param {
	return bounded("1",
		Param{Name: "metric", Default: "kv", Doc: "series, averaged over the ready pods"},
		Param{Name: "target", Default: "0.5", Doc: "of that mean"},
		Param{Name: "tolerance", Default: "0.1", Doc: "share of the target, both ways"},
		Param{Name: "up", Default: "2", Doc: "at most so many times the replicas"},
		Param{Name: "down", Default: "2", Doc: "at least the replicas divided by it"},
		Param{Name: "every", Default: "10s", Doc: "between decisions"},
		Param{Name: "stable", Default: "180s", Doc: "window of the metric"},
		Param{Name: "panic", Default: "60s", Doc: "shorter window of the metric"},
		Param{Name: "window", Default: "300s", Doc: "of recommendations below the replicas there are"},
		Param{Name: "as", Default: "coded", Words: []string{"coded", "intended"}, Doc: "least of the window and means, or greatest and sums"},
	)
}

func (v *values) aibrix() AIBrixConfig {
	return AIBrixConfig{
		Bounds: v.bounds(), Signal: v.signal(), Target: v.above("target"), Tolerance: v.number("tolerance"),
		MaxUp: v.above("up"), MaxDown: v.above("down"), Every: v.duration("every"), Stable: v.duration("stable"),
		Panic: v.duration("panic"), Window: v.duration("window"), Intended: v.word("as") == "intended",
	}
}
