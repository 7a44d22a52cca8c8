package hpa

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
)

// Params are the parameters that every law with an HPA in it has.
func Params(upWindow, downWindow string) []spec.Param {
	return []spec.Param{
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

// Read is the configuration that Params set, without a metric.
func Read(v *spec.Values) Law {
	c := Law{Bounds: v.Bounds()}.Defaults()
	c.SyncPeriod, c.Tolerance = v.Duration("sync"), v.Number("tolerance")
	c.Behavior = &Behavior{rules(v, "up", c.Tolerance), rules(v, "down", c.Tolerance)}
	return c
}

func rules(v *spec.Values, way string, tolerance float64) Rules {
	r := Rules{Window: v.Duration(way + "-window"), Select: SelectMax, Tolerance: tolerance}
	period := v.Duration(way + "-period")
	if n := v.Count(way + "-pods"); n > 0 {
		r.Policies = append(r.Policies, Policy{Value: n, Period: period})
	}
	if n := v.Count(way + "-percent"); n > 0 {
		r.Policies = append(r.Policies, Policy{Percent: true, Value: n, Period: period})
	}
	return r
}

// MetricParams are one metric and its target.
func MetricParams(target string) []spec.Param {
	return []spec.Param{
		{Name: "metric", Default: "running", Doc: "series: a short name, or a query without a comma"},
		{Name: "target", Default: target, Doc: "of the metric"},
		{Name: "type", Default: "AverageValue", Doc: "the target is per replica, or for the service",
			Words: []string{AverageValue.String(), Value.String()}},
	}
}

// ReadTarget is what type says.
func ReadTarget(v *spec.Values) Target {
	if v.Word("type") == Value.String() {
		return Value
	}
	return AverageValue
}

// Spec describes the law.
func Spec() spec.Spec {
	kinds := []string{External.String(), PerPod.String(), CPU.String(), Memory.String()}
	params := append(MetricParams("16"),
		spec.Param{Name: "kind", Default: External.String(), Words: kinds, Doc: "External reads the service's sum, the others the pods"},
		spec.Param{Name: "request", Default: "0", Doc: "of CPU or Memory, per pod: the target is then percent of it"},
	)
	return spec.Spec{
		Name: "hpa", Doc: "HorizontalPodAutoscaler on one metric",
		Source: "k8s.io/kubernetes v1.36.3 pkg/controller/podautoscaler",
		Params: spec.Bounded("1", append(params, Params("0s", "300s")...)...),
		Build: func(v *spec.Values) law.Law {
			m := Metric{Target: ReadTarget(v), Signal: v.Signal(), Goal: v.Above("target"), Request: v.Number("request"), SampleWindow: 15 * time.Second}
			kind := v.Word("kind")
			for k := External; k < numMetricKinds; k++ {
				if k.String() == kind {
					m.Kind = k
				}
			}
			if m.Kind != External && m.Target == Value {
				v.Fail("type=Value needs kind=External")
			}
			if m.Request > 0 {
				m.Target = Utilization
			}
			c := Read(v)
			c.Metrics = []Metric{m}
			return c
		},
	}
}
