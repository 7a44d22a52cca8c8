package llmd

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
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
// HPA with its own behavior follows the number (law/hpa/relay.go). Without traffic the signal
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
	law.Bounds
	TTFT, TPOT time.Duration // objectives
	Up, Down   float64       // thresholds
	Cap        float64
	Smooth     time.Duration
	Every      time.Duration
}

// SLOState is the signal's past.
type SLOState struct{ Signal reading.Window }

// Name is llmd-slo.
func (c SLO) Name() string { return "llmd-slo" }

// Needs are the two latencies.
func (c SLO) Needs() []reading.Signal {
	return []reading.Signal{reading.RouterTTFTp90, reading.RouterTPOTp90}
}

// Step evaluates the rules and the formula.
func (c SLO) Step(state law.State, in law.Input) (law.State, law.Output) {
	s, out := law.Resume[SLOState](state), in.Start(max(c.Every, time.Second))
	ttft, _ := in.Total(reading.RouterTTFTp90)
	tpot, _ := in.Total(reading.RouterTPOTp90)
	raw := max(share(ttft, c.TTFT), share(tpot, c.TPOT))
	s.Signal = s.Signal.Add(in.Now, min(raw, c.Cap), max(c.Smooth, c.Every))
	mean, _ := s.Signal.Mean(in.Now - c.Smooth)
	n, credit := in.Fleet.Provisioned(), 1.0
	if r := in.Fleet.Ready; 0 < r && r < n {
		credit = float64(r) / float64(n)
	}
	signal, provisioned := law.Known(law.TermSignal, mean, law.UnitShare), law.Replicas(law.TermProvisioned, n)
	switch {
	case mean > c.Up:
		out = out.By(law.RuleAboveBand, signal, law.Known(law.TermCredit, credit, law.UnitShare),
			law.Known(law.TermThreshold, c.Up, law.UnitShare), provisioned)
	case mean < c.Down:
		out = out.By(law.RuleBelowBand, signal, law.Known(law.TermThreshold, c.Down, law.UnitShare), provisioned)
	default:
		out = out.By(law.RuleInBand, provisioned, signal)
	}
	return s, out.Clamp(c.Bounds)
}

// share is a latency over its objective, and 0 without an objective.
func share(latency float64, objective time.Duration) float64 {
	if objective <= 0 {
		return 0
	}
	return latency / objective.Seconds()
}

// SLOSpec describes it, behind its HPA.
func SLOSpec() spec.Spec {
	behavior := spec.With(hpa.Params("30s", "180s"), "up-period", "60s", "down-pods", "1", "down-percent", "0", "down-period", "120s")
	return spec.Spec{
		Name: "llmd-slo", Doc: "llm-d: P90 latency over objective in a band, behind an HPA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/slo-aware-keda.md at a7922ed",
		Params: spec.Bounded("3", append([]spec.Param{
			{Name: "ttft", Default: "3s", Doc: "objective"},
			{Name: "tpot", Default: "100ms", Doc: "objective"},
			{Name: "up", Default: "0.55", Doc: "threshold of the signal"},
			{Name: "down", Default: "0.4", Doc: "threshold of the signal"},
			{Name: "cap", Default: "2", Doc: "of one sample of the signal"},
			{Name: "smooth", Default: "45s", Doc: "window of the signal's mean"},
			{Name: "every", Default: "15s", Doc: "between evaluations of the rules"},
		}, behavior...)...),
		Build: func(v *spec.Values) law.Law {
			return hpa.Follow[SLO, SLOState](SLO{
				Bounds: v.Bounds(), TTFT: v.Duration("ttft"), TPOT: v.Duration("tpot"), Up: v.Above("up"), Down: v.Above("down"),
				Cap: v.Number("cap"), Smooth: v.Duration("smooth"), Every: v.Duration("every"),
			}, hpa.Read(v))
		},
	}
}
