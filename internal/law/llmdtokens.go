package law

import "github.com/flyball-dev/flyball/internal/reading"

// llmdTokensSpec is llm-d's token-aware KEDA (github.com/llm-d/llm-d
// docs/architecture/autoscaling/keda-epp.md at 3d01685, guides/workload-autoscaling/
// keda-epp-token-aware). With
//
//	P    tokens of prompts sent on that are not cached and have no first token yet
//	V    what a replica prefills per second at best, in tokens
//	W    how long a prompt may wait for it
//	K    KV cache in use, summed over the replicas
//
// an HPA that adds one replica in 180 s and takes one in 300 s wants
//
//	max(⌈(P/V)/W⌉, ⌈K/Usage⌉)
//
// Worked example (TestLLMDTokensWorkedExample): 1 replica, P = 60,000, V = 15,928 per
// second, W = 1.5 s: ⌈2.51⌉ = 3; K = 0.9 of one, usage 0.8: 2; so 3, and one at a time: 2.
func llmdTokensSpec() Spec {
	hpa := replaced(hpaParams("0s", "300s"), "up-pods", "1", "up-percent", "0", "up-period", "180s",
		"down-pods", "1", "down-percent", "0", "down-period", "300s")
	return Spec{
		Name: "llmd-tokens", Doc: "llm-d: seconds of prefill queued and KV cache in use, by KEDA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/keda-epp.md at 3d01685",
		Params: bounded("1", append(append([]Param{
			{Name: "prefill", Default: "15928", Unit: "tokens/s", Doc: "of one replica at best: peakPrefillThroughput"},
			{Name: "wait", Default: "1.5s", Doc: "for prefill, per replica"},
			{Name: "kv", Default: "0.8", Doc: "share of the KV cache in use, per replica"},
		}, kedaParams("15s", "300s")...), hpa...)...),
		build: func(v *values, f Facts) Law {
			c := v.keda(f)
			activation, null := v.number("activation"), v.word("nulls") == "error"
			c.Triggers = []Trigger{
				{Name: "tokens", Signal: reading.Prefills, Threshold: v.above("prefill") * v.duration("wait").Seconds(), Activation: activation, KeepNull: null},
				{Name: "kv", Signal: reading.KVUsageSum, Threshold: v.above("kv"), Activation: activation, KeepNull: null},
			}
			return NewKEDA(c)
		},
	}
}
