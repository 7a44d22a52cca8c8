package law

import "github.com/flyball-dev/flyball/internal/reading"

// productionStackSpec is the ScaledObject of vLLM's production stack
// (github.com/vllm-project/production-stack, helm chart, tutorial "Autoscaling with
// KEDA"): KEDA on the requests waiting in vLLM, W of them:
//
//	⌈W/5⌉
//
// polled every 15 s, to zero after 360 s, 2 replicas after 3 failures.
//
// Worked example (TestProductionStackWorkedExample): 1 replica, 12 waiting: ⌈12/5⌉ = 3.
func productionStackSpec() Spec {
	keda := replaced(kedaParams("15s", "360s"), "fallback", "2", "failures", "3")
	return Spec{
		Name: "production-stack", Doc: "vLLM production stack: requests waiting, by KEDA",
		Source: "github.com/vllm-project/production-stack helm chart, KEDA tutorial",
		Params: bounded("1", append(append([]Param{
			{Name: "target", Default: "5", Unit: "requests", Doc: "waiting, per replica"},
		}, keda...), hpaParams("0s", "300s")...)...),
		build: func(v *values, f Facts) Law {
			c := v.keda(f)
			c.Triggers = []Trigger{{
				Name: "waiting", Signal: reading.Waiting, Threshold: v.above("target"),
				Activation: v.number("activation"), KeepNull: v.word("nulls") == "error",
			}}
			return NewKEDA(c)
		},
	}
}
