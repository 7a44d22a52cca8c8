package llmd

import (
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// TokensSpec describes llm-d's token-aware KEDA (github.com/llm-d/llm-d
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
// Worked example (TestTokensWorkedExample): 1 replica, P = 60,000, V = 15,928 per
// second, W = 1.5 s: ⌈2.51⌉ = 3; K = 0.9 of one, usage 0.8: 2; so 3, and one at a time: 2.
func TokensSpec() spec.Spec {
	behavior := spec.With(hpa.Params("0s", "300s"), "up-pods", "1", "up-percent", "0", "up-period", "180s",
		"down-pods", "1", "down-percent", "0", "down-period", "300s")
	return spec.Spec{
		Name: "llmd-tokens", Doc: "llm-d: seconds of prefill queued and KV cache in use, by KEDA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/keda-epp.md at 3d01685",
		Params: spec.Bounded("1", append(append([]spec.Param{
			{Name: "prefill", Default: "15928", Unit: "tokens/s", Doc: "of one replica at best: peakPrefillThroughput"},
			{Name: "wait", Default: "1.5s", Doc: "for prefill, per replica"},
			{Name: "kv", Default: "0.8", Doc: "share of the KV cache in use, per replica"},
		}, keda.Params("15s", "300s")...), behavior...)...),
		Build: func(v *spec.Values) law.Law {
			c := keda.Read(v)
			c.Triggers = []keda.Trigger{
				keda.ReadTrigger(v, keda.Trigger{Name: "tokens", Signal: reading.Prefills, Threshold: v.Above("prefill") * v.Duration("wait").Seconds()}),
				keda.ReadTrigger(v, keda.Trigger{Name: "kv", Signal: reading.KVUsageSum, Threshold: v.Above("kv")}),
			}
			return c
		},
	}
}
