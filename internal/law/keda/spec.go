package keda

import (
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Params are KEDA's own.
func Params(polling, cooldown string) []spec.Param {
	return []spec.Param{
		{Name: "activation", Default: "0", Doc: "the trigger is active above it"},
		{Name: "polling", Default: polling, Doc: "pollingInterval"},
		{Name: "cooldown", Default: cooldown, Doc: "cooldownPeriod, before zero"},
		{Name: "fallback", Default: "0", Unit: "replicas", Doc: "fallback.replicas; 0: no fallback"},
		{Name: "failures", Default: "3", Doc: "fallback.failureThreshold"},
		{Name: "behavior", Default: FallbackStatic.String(), Doc: "fallback.behavior", Words: []string{
			FallbackStatic.String(), FallbackCurrent.String(), FallbackCurrentIfHigher.String(), FallbackCurrentIfLower.String(),
		}},
		{Name: "nulls", Default: "zero", Doc: "an empty answer is 0 or an error: ignoreNullValues", Words: []string{"zero", "error"}},
	}
}

// Read is the configuration that Params and hpa.Params set, without a trigger.
func Read(v *spec.Values) Law {
	c := Law{Bounds: v.Bounds(), Polling: v.Duration("polling"), Cooldown: v.Duration("cooldown"), HPA: hpa.Read(v)}
	c.HPA.Bounds = law.Bounds{}
	if n := v.Count("fallback"); n > 0 {
		c.Fallback = &Fallback{Failures: v.Count("failures"), Replicas: n}
		for b := FallbackStatic; b < FallbackModifiers; b++ {
			if b.String() == v.Word("behavior") {
				c.Fallback.Behavior = b
			}
		}
	}
	return c
}

// ReadTrigger is one with what Params say of all triggers.
func ReadTrigger(v *spec.Values, t Trigger) Trigger {
	t.Activation, t.KeepNull = v.Number("activation"), v.Word("nulls") == "error"
	return t
}

// Spec describes the law with one trigger.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "keda", Doc: "KEDA's ScaledObject with one Prometheus trigger, over its HPA",
		Source: "github.com/kedacore/keda v2.21.0 pkg/scaling, over k8s.io/kubernetes v1.36.3",
		Params: spec.Bounded("1", append(append(hpa.MetricParams("16"), Params("30s", "300s")...), hpa.Params("0s", "300s")...)...),
		Build: func(v *spec.Values) law.Law {
			c := Read(v)
			c.Triggers = []Trigger{ReadTrigger(v, Trigger{
				Name: "metric", Signal: v.Signal(), Target: hpa.ReadTarget(v), Threshold: v.Above("target"),
			})}
			return c
		},
	}
}

// ProductionStackSpec describes the ScaledObject of vLLM's production stack
// (github.com/vllm-project/production-stack, helm chart, tutorial "Autoscaling with
// KEDA"): KEDA on the requests waiting in vLLM, W of them:
//
//	⌈W/5⌉
//
// polled every 15 s, to zero after 360 s, 2 replicas after 3 failures.
//
// Worked example (TestProductionStackWorkedExample): 1 replica, 12 waiting: ⌈12/5⌉ = 3.
func ProductionStackSpec() spec.Spec {
	keda := spec.With(Params("15s", "360s"), "fallback", "2", "failures", "3")
	return spec.Spec{
		Name: "production-stack", Doc: "vLLM production stack: requests waiting, by KEDA",
		Source: "github.com/vllm-project/production-stack helm chart, KEDA tutorial",
		Params: spec.Bounded("1", append(append([]spec.Param{
			{Name: "target", Default: "5", Unit: "requests", Doc: "waiting, per replica"},
		}, keda...), hpa.Params("0s", "300s")...)...),
		Build: func(v *spec.Values) law.Law {
			c := Read(v)
			c.Triggers = []Trigger{ReadTrigger(v, Trigger{Name: "waiting", Signal: reading.Waiting, Threshold: v.Above("target")})}
			return c
		},
	}
}
