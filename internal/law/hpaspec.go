package law

import "time"

// hpaParams are the parameters that every law with an HPA in it has.
func hpaParams(upWindow, downWindow string) []Param {
	return []Param{
		{Name: "sync", Default: "15s", Doc: "of the HPA controller"},
		{Name: "tolerance", Default: "0.1", Doc: "of the ratio to the target, both ways"},
		{Name: "up-window", Default: upWindow, Doc: "stabilization: the least proposal in it counts"},
		{Name: "up-pods", Default: "4", Unit: "replicas", Doc: "may be added in a period, or up-percent if that is more"},
		{Name: "up-percent", Default: "100", Unit: "%", Doc: "may be added in a period"},
		{Name: "up-period", Default: "15s", Doc: "of the two"},
		{Name: "down-window", Default: downWindow, Doc: "stabilization: the greatest proposal in it counts"},
		{Name: "down-pods", Default: "0", Unit: "replicas", Doc: "may go in a period, or down-percent if that is more"},
		{Name: "down-percent", Default: "100", Unit: "%", Doc: "may go in a period"},
		{Name: "down-period", Default: "15s", Doc: "of the two"},
	}
}

// replaced are parameters with other defaults, given as name, default, name, ….
func replaced(params []Param, defaults ...string) []Param {
	for i := range params {
		for j := 0; j+1 < len(defaults); j += 2 {
			if params[i].Name == defaults[j] {
				params[i].Default = defaults[j+1]
			}
		}
	}
	return params
}

// hpa is the configuration that hpaParams set.
func (v *values) hpa(f Facts) HPAConfig {
	c := HPAConfig{Bounds: v.bounds()}.Defaults()
	c.SyncPeriod, c.Tolerance = v.duration("sync"), v.number("tolerance")
	c.FirstSync = f.Phase
	if c.FirstSync <= 0 {
		c.FirstSync = c.SyncPeriod
	}
	c.Behavior = &Behavior{v.rules("up", c.Tolerance), v.rules("down", c.Tolerance)}
	return c
}

func (v *values) rules(way string, tolerance float64) Rules {
	r := Rules{Window: v.duration(way + "-window"), Select: SelectMax, Tolerance: tolerance}
	period := v.duration(way + "-period")
	if n := v.count(way + "-pods"); n > 0 {
		r.Policies = append(r.Policies, Policy{Value: n, Period: period})
	}
	if n := v.count(way + "-percent"); n > 0 {
		r.Policies = append(r.Policies, Policy{Percent: true, Value: n, Period: period})
	}
	return r
}

// metricParams are one metric and its target.
func metricParams(target string) []Param {
	return []Param{
		{Name: "metric", Default: "running", Doc: "series: a short name, or a query without a comma"},
		{Name: "target", Default: target, Doc: "of the metric"},
		{Name: "type", Default: "AverageValue", Doc: "the target is per replica, or for the service",
			Words: []string{AverageValue.String(), Value.String()}},
	}
}

func (v *values) target() Target {
	if v.word("type") == Value.String() {
		return Value
	}
	return AverageValue
}

func hpaSpec() Spec {
	kinds := []string{External.String(), PerPod.String(), CPU.String(), Memory.String()}
	params := append(metricParams("16"),
		Param{Name: "kind", Default: External.String(), Words: kinds, Doc: "External reads the service's sum, the others the pods"},
		Param{Name: "request", Default: "0", Doc: "of CPU or Memory, per pod: the target is then percent of it"},
	)
	return Spec{
		Name: "hpa", Doc: "HorizontalPodAutoscaler on one metric",
		Source: "k8s.io/kubernetes v1.36.3 pkg/controller/podautoscaler",
		Params: bounded("1", append(params, hpaParams("0s", "300s")...)...),
		build: func(v *values, f Facts) Law {
			m := HPAMetric{Target: v.target(), Signal: v.signal(), Goal: v.above("target"), Request: v.number("request"), SampleWindow: 15 * time.Second}
			kind := v.word("kind")
			for k := External; k < numMetricKinds; k++ {
				if k.String() == kind {
					m.Kind = k
				}
			}
			if m.Kind != External && m.Target == Value {
				v.fail("type=Value needs kind=External")
			}
			if m.Request > 0 {
				m.Target = Utilization
			}
			c := v.hpa(f)
			c.Metrics = []HPAMetric{m}
			return HPA{HPAConfig: c}
		},
	}
}

// kedaParams are KEDA's own.
func kedaParams(polling, cooldown string) []Param {
	return []Param{
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

func (v *values) keda(f Facts) KEDAConfig {
	c := KEDAConfig{Bounds: v.bounds(), Polling: v.duration("polling"), Cooldown: v.duration("cooldown"), HPA: v.hpa(f)}
	c.Behavior = c.HPA.Behavior
	if n := v.count("fallback"); n > 0 {
		c.Fallback = &Fallback{Failures: v.count("failures"), Replicas: n}
		for b := FallbackStatic; b < FallbackModifiers; b++ {
			if b.String() == v.word("behavior") {
				c.Fallback.Behavior = b
			}
		}
	}
	return c
}

func kedaSpec() Spec {
	params := append(metricParams("16"), kedaParams("30s", "300s")...)
	return Spec{
		Name: "keda", Doc: "KEDA's ScaledObject with one Prometheus trigger, over its HPA",
		Source: "github.com/kedacore/keda v2.21.0 pkg/scaling, over k8s.io/kubernetes v1.36.3",
		Params: bounded("1", append(params, hpaParams("0s", "300s")...)...),
		build: func(v *values, f Facts) Law {
			c := v.keda(f)
			c.Triggers = []Trigger{{
				Name: "metric", Signal: v.signal(), Target: v.target(), Threshold: v.above("target"),
				Activation: v.number("activation"), KeepNull: v.word("nulls") == "error",
			}}
			return NewKEDA(c)
		},
	}
}
