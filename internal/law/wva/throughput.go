package wva

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Throughput is the throughput analyzer of the workload variant autoscaler
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/
// throughput, itl_model.go at 3ea883d, constants.go at 9bd06d7 of deanlorenz's fork). The
// time between tokens is a line over the KV usage k, ITL(k) = A·k + B, by least squares
// over the last 20 samples of k in [0.15, 0.85] and 30 minutes once there are 10 that
// span 0.3; before, A alone, with B as last fitted or 6 ms. With M tokens of KV cache, I
// in (hit of them cached), O out, Λ arrivals per second, Q held by the router:
//
//	KVreq     I(1 − hit) + O/2
//	capacity  (0.85·M/KVreq)/ITL(0.85)   tokens out per second
//	demand    Λ·O + Q/(2·ITL(0.85))
//
// and wva.go's thresholds. I or O 20 % away from where the samples began drops them.
//
// Worked example (TestThroughputWorkedExample): k = 0.5 and ITL 16 ms, B = 6 ms: A = 20
// ms, ITL(0.85) = 23 ms; M = 100,000, I = 900, O = 200: KVreq = 1000, 85 requests, 3696
// tokens/s. 2 replicas, Λ = 40/s: 8000/0.85 − 7391 = 2020 → +⌈0.55⌉ = 3.
type Throughput struct{ Config }

// ThroughputState is what it remembers.
type ThroughputState struct {
	Samples  []ITLSample
	Shape    law.Shape
	Baseline float64 // B as last fitted
}

// An ITLSample is the KV usage and the time between tokens of one replica at a time.
type ITLSample struct {
	At     time.Duration
	K, ITL float64
}

// The constants of the analyzer.
const (
	itlSaturated = 0.85
	itlBaseline  = 0.006
)

// Name is wva-throughput.
func (c Throughput) Name() string { return "wva-throughput" }

// Needs are the samples, the shapes and the demand.
func (c Throughput) Needs() []reading.Signal {
	return []reading.Signal{
		reading.KVUsage, reading.MeanITL, reading.KVCapacity, reading.MeanInput, reading.MeanOutput, reading.HitShare,
		reading.Arrivals, reading.Completions, reading.Held,
	}
}

// Step is one round of the engine.
func (c Throughput) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[ThroughputState](state)
	out, zero := c.start(in)
	if zero {
		return s, out
	}
	shape := in.Shape()
	arrivals, ok := in.Total(reading.Arrivals)
	if !ok || arrivals == 0 {
		arrivals, ok = in.Total(reading.Completions)
	}
	size, okSize := in.Mean(reading.KVCapacity)
	if !ok || !okSize || shape.Input <= 1 || shape.Output <= 1 {
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	}
	if drifted(s.Shape.Input, shape.Input) || drifted(s.Shape.Output, shape.Output) {
		s.Samples, s.Shape = nil, shape
	}
	usable := s.observe(in)
	a, b, ok := s.fit(usable)
	itl := a*itlSaturated + b
	if !ok || !(itl > 0) {
		return s, out.Held(law.RuleNoModel).Clamp(c.Bounds)
	}
	capacity := itlSaturated * size / (shape.Input*(1-shape.Hit) + shape.Output/2) / itl
	held, _ := in.Total(reading.Held)
	return s, c.size(in, arrivals*shape.Output+held/(2*itl), capacity, out)
}

// drifted says that a length is no longer what it was.
func drifted(before, now float64) bool {
	const tolerance = 0.2
	return !(now >= before*(1-tolerance) && now <= before*(1+tolerance))
}

// observe adds a sample per replica, drops the old, and returns this round's alone.
func (s *ThroughputState) observe(in law.Input) []ITLSample {
	const maxAge, size = 30 * time.Minute, 20
	var now []ITLSample
	for row := range in.Rows(reading.KVUsage, reading.MeanITL) {
		if row[1] > 0 {
			now = append(now, ITLSample{in.Now, row[0], row[1]})
		}
	}
	s.Samples = slices.DeleteFunc(slices.Concat(s.Samples, now), func(one ITLSample) bool {
		return one.K < 0.15 || one.K > itlSaturated || in.Now-one.At > maxAge
	})
	s.Samples = s.Samples[max(len(s.Samples)-size, 0):]
	return now
}

// fit is A and B.
func (s *ThroughputState) fit(now []ITLSample) (a, b float64, ok bool) {
	const enough, spread = 10, 0.3
	byK := func(x, y ITLSample) int { return cmp.Compare(x.K, y.K) }
	if len(s.Samples) >= enough && slices.MaxFunc(s.Samples, byK).K-slices.MinFunc(s.Samples, byK).K >= spread {
		if a, b, ok := line(s.Samples); ok {
			s.Baseline = b
			return a, b, true
		}
	}
	b = itlBaseline
	if s.Baseline > 0 {
		b = s.Baseline
	}
	num, den := 0.0, 0.0
	for _, one := range now {
		num, den = num+(one.ITL-b)*one.K, den+one.K*one.K
	}
	return num / den, b, den > 0 && num > 0
}

// line is the least-squares line, false where it is flat or falls.
func line(samples []ITLSample) (a, b float64, ok bool) {
	n, k, itl, k2, kitl := float64(len(samples)), 0.0, 0.0, 0.0, 0.0
	for _, s := range samples {
		k, itl, k2, kitl = k+s.K, itl+s.ITL, k2+s.K*s.K, kitl+s.K*s.ITL
	}
	den := n*k2 - k*k
	if !(den > 1e-12) {
		return 0, 0, false
	}
	a = (n*kitl - k*itl) / den
	b = (itl - a*k) / n
	saturated := a*itlSaturated + b
	return a, b, a >= 1e-9 && saturated > 0 && !math.IsInf(saturated, 0)
}

// ThroughputSpec describes it, behind its HPA.
func ThroughputSpec() spec.Spec {
	return spec.Spec{
		Name: "wva-throughput", Doc: "workload variant autoscaler: tokens asked per second over tokens served at 85 % KV usage",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/throughput at 3ea883d",
		Params: params(),
		Build: func(v *spec.Values) law.Law {
			return hpa.Follow[Throughput, ThroughputState](Throughput{read(v)}, hpa.Read(v))
		},
	}
}
