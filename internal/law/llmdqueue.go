package law

import "github.com/flyball-dev/flyball/internal/reading"

// llmdQueueSpec is llm-d's queue-based KEDA (github.com/llm-d/llm-d
// docs/architecture/autoscaling/keda-epp.md at 3d01685, guides/workload-autoscaling/
// keda-epp): of Q requests that the router holds and R that it has sent on, an HPA
// with windows of 300 s both ways wants
//
//	max(⌈Q/Queue⌉, ⌈R/Running⌉)
//
// Worked example (TestLLMDQueueWorkedExample): 2 replicas, 3 held, 40 sent on:
// max(⌈3/1⌉, ⌈40/16⌉) = 3, once it has been so for 300 s.
func llmdQueueSpec() Spec {
	hpa := replaced(hpaParams("300s", "300s"), "up-pods", "0")
	return Spec{
		Name: "llmd-queue", Doc: "llm-d: requests held by the router and requests sent on, by KEDA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/keda-epp.md at 3d01685",
		Params: bounded("1", append(append([]Param{
			{Name: "queue", Default: "1", Unit: "requests", Doc: "held, per replica"},
			{Name: "running", Default: "16", Unit: "requests", Doc: "sent on and not finished, per replica"},
		}, kedaParams("15s", "300s")...), hpa...)...),
		build: func(v *values, f Facts) Law {
			c := v.keda(f)
			activation, null := v.number("activation"), v.word("nulls") == "error"
			c.Triggers = []Trigger{
				{Name: "queue", Signal: reading.Held, Threshold: v.above("queue"), Activation: activation, KeepNull: null},
				{Name: "running", Signal: reading.Sent, Threshold: v.above("running"), Activation: activation, KeepNull: null},
			}
			return NewKEDA(c)
		},
	}
}
