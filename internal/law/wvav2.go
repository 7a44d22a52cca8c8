package law

import (
	"math"
	"slices"

	"github.com/flyball-dev/flyball/internal/reading"
)

// WVAV2 is the token-based saturation analyzer of the workload variant autoscaler
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/
// saturation_v2/analyzer.go at 256df39). A replica uses u of M tokens of KV cache and has
// q requests waiting (peaks of a minute); a mean request has I tokens in, O out:
//
//	k1  0.8·M
//	k2  u where q ≥ 5 (kept, the last 10 of such an O), else the mean of those kept, else
//	    N·(I + O/2) with N = min(B·O/(I+O), S), else k1
//	C   median over replicas of min(k1, k2)
//	D   Σ (u + q·(I+O)) + router: max(bytes/4, h·I)·(1 − hit) + h·O for h held
//
// B is --max-num-batched-tokens, S --max-num-seqs. Then wva.go's thresholds.
//
// Worked example (TestWVAV2WorkedExample): 2 replicas of M = 100,000 at 70 %, q = 0,
// I = 1000, O = 200, B = 8192, S = 256: k1 = 80,000, N = min(1365, 256) = 256, k2 =
// 281,600, C = 80,000, D = 140,000; 140,000/0.85 − 160,000 = 4,706 → +⌈0.06⌉ = 3.
type WVAV2 struct {
	WVAV2Config
	kept     [3][]float64 // k2 as observed, by output length
	capacity float64      // as last known
}

// WVAV2Config are its thresholds and the engine's limits.
type WVAV2Config struct {
	WVAConfig
	KV, Queue float64
	Engine    Engine
}

// Needs are the peaks and the shapes of requests.
func (w WVAV2) Needs() []reading.Signal {
	return []reading.Signal{reading.KVUsagePeak, reading.WaitingPeak, reading.KVCapacity, reading.MeanInput, reading.MeanOutput, reading.HitShare, reading.Held, reading.HeldBytes}
}

// shape is the mean request.
func (in Input) shape() Shape {
	input, _ := in.total(reading.MeanInput)
	output, _ := in.total(reading.MeanOutput)
	hit, _ := in.total(reading.HitShare)
	return Shape{max(input, 0), max(output, 0), min(max(hit, 0), 1)}
}

// Step is one round of the engine.
func (w WVAV2) Step(in Input) (Law, Output) {
	out, zero := w.start(in)
	if zero {
		return w, out
	}
	s := in.shape()
	var capacities []float64
	demand := 0.0
	for _, row := range in.rows(reading.KVUsagePeak, reading.WaitingPeak, reading.KVCapacity) {
		used, queue, size := row[0]*row[2], row[1], row[2]
		demand += used + queue*(s.Input+s.Output)
		capacities = append(capacities, w.replica(size*w.KV, used, queue, s))
	}
	if len(capacities) == 0 {
		return w, out.held("no data").clamp(w.Bounds)
	}
	held, _ := in.total(reading.Held)
	bytes, _ := in.total(reading.HeldBytes)
	demand += max(bytes/4, held*s.Input)*(1-s.Hit) + held*s.Output
	w.capacity = median(capacities)
	return w, w.size(in, demand, w.capacity, out)
}

// replica is min(k1, k2).
func (w *WVAV2) replica(k1, used, queue float64, s Shape) float64 {
	bucket := 0
	switch {
	case s.Output >= 500:
		bucket = 2
	case s.Output >= 100:
		bucket = 1
	}
	if queue >= w.Queue && used > 0 {
		kept := slices.Clone(w.kept[bucket])
		w.kept[bucket] = append(kept[max(len(kept)-9, 0):], used)
		return min(k1, used)
	}
	if kept := w.kept[bucket]; len(kept) > 0 {
		sum := 0.0
		for _, k := range kept {
			sum += k
		}
		return min(k1, sum/float64(len(kept)))
	}
	if b := float64(w.Engine.BatchTokens); b > 0 && s.Output > 0 {
		n := min(b*s.Output/(s.Input+s.Output), float64(w.Engine.MaxSeqs))
		if k2 := math.Floor(n * (s.Input + s.Output/2)); k2 > 0 {
			return min(k1, k2)
		}
	}
	return k1
}

// median is the middle one, or the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	switch {
	case len(sorted) == 0:
		return 0
	case len(sorted)%2 == 1:
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func wvaV2Spec() Spec {
	return Spec{
		Name: "wva-v2", Doc: "workload variant autoscaler: tokens demanded over tokens that fit",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/saturation_v2/analyzer.go at 256df39",
		Params: wvaParams(
			Param{Name: "kv", Default: "0.8", Doc: "share of the KV cache that counts as capacity"},
			Param{Name: "queue", Default: "5", Unit: "requests", Doc: "a replica is at its limit from so many waiting on"},
		),
		build: func(v *values, f Facts) Law {
			c := WVAV2Config{WVAConfig: v.wva(), KV: v.above("kv"), Queue: v.above("queue"), Engine: f.Engine}
			return NewRelay(WVAV2{WVAV2Config: c}, v.hpa(f))
		},
	}
}
