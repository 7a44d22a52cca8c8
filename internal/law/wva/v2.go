package wva

import (
	"math"
	"slices"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// V2 is the token-based saturation analyzer of the workload variant autoscaler
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
// Worked example (TestV2WorkedExample): 2 replicas of M = 100,000 at 70 %, q = 0,
// I = 1000, O = 200, B = 8192, S = 256: k1 = 80,000, N = min(1365, 256) = 256, k2 =
// 281,600, C = 80,000, D = 140,000; 140,000/0.85 − 160,000 = 4,706 → +⌈0.06⌉ = 3.
type V2 struct {
	Config
	KV, Queue            float64
	MaxSeqs, BatchTokens int // the engine's limits; 0: not known
}

// V2State is what it remembers.
type V2State struct {
	Kept [3][]float64 // k2 as observed, by output length
}

// Name is wva-v2.
func (c V2) Name() string { return "wva-v2" }

// Needs are the peaks and the shapes of requests.
func (c V2) Needs() []reading.Signal {
	return []reading.Signal{
		reading.KVUsagePeak, reading.WaitingPeak, reading.KVCapacity, reading.MeanInput, reading.MeanOutput,
		reading.HitShare, reading.Held, reading.HeldBytes,
	}
}

// Step is one round of the engine.
func (c V2) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[V2State](state)
	out, zero := c.start(in)
	if zero {
		return s, out
	}
	shape := in.Shape()
	capacities := make([]float64, 0, len(in.Fleet.Pods))
	demand := 0.0
	for row := range in.Rows(reading.KVUsagePeak, reading.WaitingPeak, reading.KVCapacity) {
		used, queue, size := row[0]*row[2], row[1], row[2]
		demand += used + queue*(shape.Input+shape.Output)
		var one float64
		s, one = c.replica(s, size*c.KV, [2]float64{used, queue}, shape)
		capacities = append(capacities, one)
	}
	if len(capacities) == 0 {
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	}
	held, _ := in.Total(reading.Held)
	bytes, _ := in.Total(reading.HeldBytes)
	demand += max(bytes/4, held*shape.Input)*(1-shape.Hit) + held*shape.Output
	return s, c.size(in, demand, median(capacities), out)
}

// replica is min(k1, k2) of one that uses and queues so much.
func (c V2) replica(s V2State, k1 float64, load [2]float64, shape law.Shape) (V2State, float64) {
	bucket, used, queue := 0, load[0], load[1]
	switch {
	case shape.Output >= 500:
		bucket = 2
	case shape.Output >= 100:
		bucket = 1
	}
	if queue >= c.Queue && used > 0 && !math.IsInf(used, 0) {
		kept := slices.Clone(s.Kept[bucket])
		s.Kept[bucket] = append(kept[max(len(kept)-9, 0):], used)
		return s, min(k1, used)
	}
	if kept := s.Kept[bucket]; len(kept) > 0 {
		sum := 0.0
		for _, k := range kept {
			sum += k
		}
		return s, min(k1, sum/float64(len(kept)))
	}
	if b := float64(c.BatchTokens); b > 0 && shape.Output > 0 {
		n := min(b*shape.Output/(shape.Input+shape.Output), float64(c.MaxSeqs))
		if k2 := math.Floor(n * (shape.Input + shape.Output/2)); k2 > 0 {
			return s, min(k1, k2)
		}
	}
	return s, k1
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

// V2Spec describes it, behind its HPA. The limits of an engine are put in before the run.
func V2Spec() spec.Spec {
	return spec.Spec{
		Name: "wva-v2", Doc: "workload variant autoscaler: tokens demanded over tokens that fit",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/analyzers/saturation_v2/analyzer.go at 256df39",
		Params: params(
			spec.Param{Name: "kv", Default: "0.8", Doc: "share of the KV cache that counts as capacity"},
			spec.Param{Name: "queue", Default: "5", Unit: "requests", Doc: "a replica is at its limit from so many waiting on"},
		),
		Build: func(v *spec.Values) law.Law {
			c := V2{Config: read(v), KV: v.Above("kv"), Queue: v.Above("queue")}
			return hpa.Follow[V2, V2State](c, hpa.Read(v))
		},
	}
}
