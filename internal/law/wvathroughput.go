package law

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// WVAThroughput is the throughput analyzer of the workload variant autoscaler
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
// Worked example (TestWVAThroughputWorkedExample): k = 0.5 and ITL 16 ms, B = 6 ms: A = 20
// ms, ITL(0.85) = 23 ms; M = 100,000, I = 900, O = 200: KVreq = 1000, 85 requests, 3696
// tokens/s. 2 replicas, Λ = 40/s: 8000/0.85 − 7391 = 2020 → +⌈0.55⌉ = 3.
type WVAThroughput struct {
	WVAConfig
	samples  []itlSample
	shape    Shape
	baseline float64 // B as last fitted
}

type itlSample struct {
	at     time.Duration
	k, itl float64
}

// The constants of the analyzer.
const (
	itlSaturated = 0.85
	itlBaseline  = 0.006
)

// Needs are the samples, the shapes and the demand.
func (w WVAThroughput) Needs() []reading.Signal {
	return []reading.Signal{reading.KVUsage, reading.MeanITL, reading.KVCapacity, reading.MeanInput, reading.MeanOutput, reading.HitShare, reading.Arrivals, reading.Completions, reading.Held}
}

// Step is one round of the engine.
func (w WVAThroughput) Step(in Input) (Law, Output) {
	out, zero := w.start(in)
	if zero {
		return w, out
	}
	s := in.shape()
	arrivals, ok := in.total(reading.Arrivals)
	if !ok || arrivals == 0 {
		arrivals, ok = in.total(reading.Completions)
	}
	size, okSize := in.mean(reading.KVCapacity)
	if !ok || !okSize || s.Input <= 1 || s.Output <= 1 {
		return w, out.held("no data").clamp(w.Bounds)
	}
	if drifted(w.shape.Input, s.Input) || drifted(w.shape.Output, s.Output) {
		w.samples, w.shape = nil, s
	}
	usable := w.observe(in)
	a, b, ok := w.fit(usable)
	itl := a*itlSaturated + b
	if !ok || !(itl > 0) {
		return w, out.held("no model of the time between tokens").clamp(w.Bounds)
	}
	capacity := itlSaturated * size / (s.Input*(1-s.Hit) + s.Output/2) / itl
	held, _ := in.total(reading.Held)
	return w, w.size(in, arrivals*s.Output+held/(2*itl), capacity, out)
}

// drifted says that a length is no longer what it was.
func drifted(before, now float64) bool {
	const tolerance = 0.2
	return !(now >= before*(1-tolerance) && now <= before*(1+tolerance))
}

// observe adds a sample per replica, drops the old, and returns this round's alone.
func (w *WVAThroughput) observe(in Input) []itlSample {
	const maxAge, size = 30 * time.Minute, 20
	var now []itlSample
	for _, row := range in.rows(reading.KVUsage, reading.MeanITL) {
		if row[1] > 0 {
			now = append(now, itlSample{in.Now, row[0], row[1]})
		}
	}
	w.samples = slices.DeleteFunc(slices.Concat(w.samples, now), func(s itlSample) bool {
		return s.k < 0.15 || s.k > itlSaturated || in.Now-s.at > maxAge
	})
	w.samples = w.samples[max(len(w.samples)-size, 0):]
	return now
}

// fit is A and B.
func (w *WVAThroughput) fit(now []itlSample) (a, b float64, ok bool) {
	const enough, spread = 10, 0.3
	byK := func(x, y itlSample) int {
		if x.k < y.k {
			return -1
		}
		return 1
	}
	if len(w.samples) >= enough && slices.MaxFunc(w.samples, byK).k-slices.MinFunc(w.samples, byK).k >= spread {
		if a, b, ok := line(w.samples); ok {
			w.baseline = b
			return a, b, true
		}
	}
	b = itlBaseline
	if w.baseline > 0 {
		b = w.baseline
	}
	num, den := 0.0, 0.0
	for _, s := range now {
		num, den = num+(s.itl-b)*s.k, den+s.k*s.k
	}
	return num / den, b, den > 0 && num > 0
}

// line is the least-squares line, false where it is flat or falls.
func line(samples []itlSample) (a, b float64, ok bool) {
	n, k, itl, k2, kitl := float64(len(samples)), 0.0, 0.0, 0.0, 0.0
	for _, s := range samples {
		k, itl, k2, kitl = k+s.k, itl+s.itl, k2+s.k*s.k, kitl+s.k*s.itl
	}
	den := n*k2 - k*k
	if !(den > 1e-12) {
		return 0, 0, false
	}
	a = (n*kitl - k*itl) / den
	b = (itl - a*k) / n
	return a, b, a >= 1e-9 && a*itlSaturated+b > 0
}

func wvaThroughputSpec() Spec {
	return Spec{
		Name: "wva-throughput", Doc: "workload variant autoscaler: tokens asked per second over tokens served at 85 % KV usage",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/throughput at 3ea883d",
		Params: wvaParams(),
		build:  func(v *values, f Facts) Law { return NewRelay(WVAThroughput{WVAConfig: v.wva()}, v.hpa(f)) },
	}
}
