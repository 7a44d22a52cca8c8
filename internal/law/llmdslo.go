package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// SLO is llm-d's SLO-aware autoscaling with KEDA (github.com/llm-d/llm-d
// docs/architecture/autoscaling/slo-aware-keda.md at a7922ed). Every 15 s, with
//
//	s_raw  max(P90 TTFT / its objective, P90 TPOT / its objective); no traffic: 0
//	s      mean over 45 s of min(s_raw, Cap)
//	n, r   provisioned and ready replicas
//	c      r/n while 0 < r < n, else 1: what is warming up is credited
//
// it wants n + ⌈n(s·c/Up − 1)⌉ if s > Up, n − ⌊n(1 − s/Down)⌋ if s < Down, else n. An
// HPA with its own behavior follows the number (relay.go). Without traffic the signal
// is 0 by design, and so it is without readings: then this law scales in.
//
// The latencies are the router's, and its buckets matter: TPOT from 40 ms to 60 ms is
// one bucket, so once most requests are in it the P90 is read as up to 58 ms, which is
// above Up for an objective of 100 ms while every request still meets it. The published
// rules prefer the latencies that the router's trained predictor expects; here they are
// the measured ones, which are the rules' own fallback.
//
// Worked example (TestSLOWorkedExample): n = 4, 3 ready, TTFT P90 3.3 s of 3 s: s = 1.1,
// c = 0.75; 4 + ⌈4·(1.1·0.75/0.55 − 1)⌉ = 4 + 2 = 6.
type SLO struct {
	SLOConfig
	signal reading.Window
}

// SLOConfig are the constants of the rules and the formula.
type SLOConfig struct {
	Bounds
	TTFT, TPOT time.Duration // objectives
	Up, Down   float64       // thresholds
	Cap        float64
	Smooth     time.Duration
	Every      time.Duration
}

// Needs are the two latencies.
func (l SLO) Needs() []reading.Signal {
	return []reading.Signal{reading.RouterTTFTp90, reading.RouterTPOTp90}
}

// Step evaluates the rules and the formula.
func (l SLO) Step(in Input) (Law, Output) {
	ttft, _ := in.total(reading.RouterTTFTp90)
	tpot, _ := in.total(reading.RouterTPOTp90)
	raw := max(share(ttft, l.TTFT), share(tpot, l.TPOT))
	l.signal = l.signal.Add(in.Now, min(raw, l.Cap), max(l.Smooth, l.Every))
	s, _ := l.signal.Mean(in.Now - l.Smooth)
	n, credit := in.Fleet.Provisioned(), 1.0
	if r := in.Fleet.Ready; 0 < r && r < n {
		credit = float64(r) / float64(n)
	}
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(l.Every, time.Second)}
	switch {
	case s > l.Up:
		// The deficit may be negative while the credited signal is below the threshold.
		more := float64(n) * (s*credit/l.Up - 1)
		if more < 0 {
			return l, out.to("above the band, credited", n-floor(-more)).clamp(l.Bounds)
		}
		return l, out.to("above the band", n+ceil(more)).clamp(l.Bounds)
	case s < l.Down:
		return l, out.to("below the band", n-floor(float64(n)*(1-s/l.Down))).clamp(l.Bounds)
	}
	return l, out.to("in the band", n).clamp(l.Bounds)
}

// share is a latency over its objective, and 0 without an objective.
func share(latency float64, objective time.Duration) float64 {
	if objective <= 0 {
		return 0
	}
	return latency / objective.Seconds()
}

func sloSpec() Spec {
	hpa := replaced(hpaParams("30s", "180s"), "up-period", "60s", "down-pods", "1", "down-percent", "0", "down-period", "120s")
	return Spec{
		Name: "llmd-slo", Doc: "llm-d: P90 latency over objective in a band, behind an HPA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/slo-aware-keda.md at a7922ed",
		Params: bounded("3", append([]Param{
			{Name: "ttft", Default: "3s", Doc: "objective"},
			{Name: "tpot", Default: "100ms", Doc: "objective"},
			{Name: "up", Default: "0.55", Doc: "threshold of the signal"},
			{Name: "down", Default: "0.4", Doc: "threshold of the signal"},
			{Name: "cap", Default: "2", Doc: "of one sample of the signal"},
			{Name: "smooth", Default: "45s", Doc: "window of the signal's mean"},
			{Name: "every", Default: "15s", Doc: "between evaluations of the rules"},
		}, hpa...)...),
		build: func(v *values, f Facts) Law {
			return NewRelay(SLO{SLOConfig: SLOConfig{
				Bounds: v.bounds(), TTFT: v.duration("ttft"), TPOT: v.duration("tpot"), Up: v.above("up"), Down: v.above("down"),
				Cap: v.number("cap"), Smooth: v.duration("smooth"), Every: v.duration("every"),
			}}, v.hpa(f))
		},
	}
}
