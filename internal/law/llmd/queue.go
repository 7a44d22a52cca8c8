package llmd

import (
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// QueueSpec describes llm-d's queue-based KEDA (github.com/llm-d/llm-d
// docs/architecture/autoscaling/keda-epp.md at 3d01685, guides/workload-autoscaling/
// keda-epp): of Q requests that the router holds and R that it has sent on, an HPA
// with windows of 300 s both ways wants
//
//	max(⌈Q/Queue⌉, ⌈R/Running⌉)
//
// Worked example (TestQueueWorkedExample): 2 replicas, 3 held, 40 sent on:
// max(⌈3/1⌉, ⌈40/16⌉) = 3, once it has been so for 300 s.
func QueueSpec() spec.Spec {
	behavior := spec.With(hpa.Params("300s", "300s"), "up-pods", "0")
	return spec.Spec{
		Name: "llmd-queue", Doc: "llm-d: requests held by the router and requests sent on, by KEDA",
		Source: "github.com/llm-d/llm-d docs/architecture/autoscaling/keda-epp.md at 3d01685",
		Params: spec.Bounded("1", append(append([]spec.Param{
			{Name: "queue", Default: "1", Unit: "requests", Doc: "held, per replica"},
			{Name: "running", Default: "16", Unit: "requests", Doc: "sent on and not finished, per replica"},
		}, keda.Params("15s", "300s")...), behavior...)...),
		Build: func(v *spec.Values) law.Law {
			c := keda.Read(v)
			c.Triggers = []keda.Trigger{
				keda.ReadTrigger(v, keda.Trigger{Name: "queue", Signal: reading.Held, Threshold: v.Above("queue")}),
				keda.ReadTrigger(v, keda.Trigger{Name: "running", Signal: reading.Sent, Threshold: v.Above("running")}),
			}
			return c
		},
	}
}
