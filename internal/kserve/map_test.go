package kserve

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
)

// service is the guide's after replacements "old", "new", ….
func service(t *testing.T, replace ...string) *InferenceService {
	t.Helper()
	s := &InferenceService{}
	o, err := kservetest.Service(replace...)
	if err == nil {
		err = Decode(o, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMapGuide(t *testing.T) {
	so, warning, err := Map(service(t))
	if err != nil || warning != "" {
		t.Fatalf("Map(guide) = %v, %q, want no complaint", err, warning)
	}
	if so.Name != "llama-predictor" || *so.Spec.MinReplicaCount != 1 || *so.Spec.MaxReplicaCount != 8 {
		t.Errorf("Map(guide) = %s %d..%d, want llama-predictor 1..8", so.Name, *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount)
	}
	want := []Trigger{{
		Type: "prometheus", MetricType: autoscalingv2.AverageValueMetricType, AuthenticationRef: &AuthenticationRef{Name: "prom-basic-auth"},
		Metadata: map[string]string{
			"serverAddress": "http://prometheus-operated.cpaas-system.svc.cluster.local:9090",
			"query":         `sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`,
			"threshold":     "1", "authModes": "basic", "ignoreNullValues": "false",
		},
	}}
	if diff := cmp.Diff(want, so.Spec.Triggers); diff != "" {
		t.Errorf("Map(guide) triggers: -want +got\n%s", diff)
	}
	if f := so.Spec.Fallback; f == nil || *f != (Fallback{3, 1, "currentReplicasIfHigher"}) {
		t.Errorf("Map(guide) fallback = %v", f)
	}
	b := so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
	if up, down := *b.ScaleUp.StabilizationWindowSeconds, *b.ScaleDown.StabilizationWindowSeconds; up != 0 || down != 300 {
		t.Errorf("Map(guide) windows = %d, %d, want 0, 300", up, down)
	}
}

func TestMapVariants(t *testing.T) {
	for name, tc := range map[string]struct {
		replace []string
		look    func(*ScaledObject) any
		want    any
	}{
		"milli quantity":    {[]string{"'1'", "'500m'"}, threshold0, "0.5"},
		"kilo quantity":     {[]string{"'1'", "'2k'"}, threshold0, "2000"},
		"integer":           {[]string{"'1'", "7"}, threshold0, "7"},
		"averageValue":      {[]string{"type: Value", "type: AverageValue", "value: '1'", "averageValue: '3'"}, threshold0, "3"},
		"averageValue only": {[]string{"value: '1'", "averageValue: '3'"}, threshold0, "3"},
		"graphite":          {[]string{"backend: prometheus", "backend: graphite"}, func(o *ScaledObject) any { return o.Spec.Triggers[0].Type }, "graphite"},
		"exponent":          {[]string{"'1'", "'1e3'"}, threshold0, "1000"},
		"trailing 0s":       {[]string{"'1'", "'2.50'"}, threshold0, "2.5"},
		"graphite's time": {[]string{"backend: prometheus", "backend: graphite"},
			func(o *ScaledObject) any { return o.Spec.Triggers[0].Metadata["queryTime"] }, "-5Minutes"},
		"graphite has no nulls": {[]string{"backend: prometheus", "backend: graphite"},
			func(o *ScaledObject) any { return o.Spec.Triggers[0].Metadata["ignoreNullValues"] }, ""},
		"Prometheus namespace": {[]string{"backend: prometheus", "backend: prometheus\n              namespace: team-a"},
			func(o *ScaledObject) any { return o.Spec.Triggers[0].Metadata["namespace"] }, "team-a"},
		"Standard": {[]string{"RawDeployment", "Standard"}, threshold0, "1"},
		"KEDA's Value": {[]string{"RawDeployment", "RawDeployment\n    flyball.dev/metric-type: Value"},
			func(o *ScaledObject) any { return string(o.Spec.Triggers[0].MetricType) }, "Value"},
		"no fallback from zero": {[]string{"minReplicas: 1", "minReplicas: 0"}, func(o *ScaledObject) any { return o.Spec.Fallback == nil }, true},
		"minimum unset":         {[]string{"minReplicas: 1\n", "\n"}, func(o *ScaledObject) any { return *o.Spec.MinReplicaCount }, int32(1)},
		"maximum unset":         {[]string{"maxReplicas: 8\n", "\n", "minReplicas: 1", "minReplicas: 3"}, func(o *ScaledObject) any { return *o.Spec.MaxReplicaCount }, int32(3)},
	} {
		t.Run(name, func(t *testing.T) {
			so, _, err := Map(service(t, tc.replace...))
			if err != nil {
				t.Fatalf("Map() = %v", err)
			}
			if got := tc.look(so); got != tc.want {
				t.Errorf("Map() = %v, want %v", got, tc.want)
			}
		})
	}
}

func threshold0(o *ScaledObject) any { return o.Spec.Triggers[0].Metadata["threshold"] }

func TestMapPassesBehaviourOn(t *testing.T) {
	s := service(t, "    autoScaling:\n", "    autoScaling:\n      behavior:\n        scaleUp:\n          selectPolicy: Min\n          tolerance: '0.05'\n          policies: [{type: Pods, value: 2, periodSeconds: 30}]\n")
	so, _, err := Map(s)
	if err != nil {
		t.Fatal(err)
	}
	up := so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior.ScaleUp
	if *up.SelectPolicy != "Min" || up.Tolerance.String() != "50m" || len(up.Policies) != 1 || *up.StabilizationWindowSeconds != 0 {
		t.Errorf("Map() scaleUp = %v, want the user's with a window of 0", up)
	}
}

// INV-1: a refusal names field and fix.
func TestMapRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		replace []string
		field   string
	}{
		"zero target":         {[]string{"'1'", "'0'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"negative target":     {[]string{"'1'", "'-1'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"word as target":      {[]string{"'1'", "'many'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"no target":           {[]string{"value: '1'", ""}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"no query":            {[]string{"query: >", "namespace: >"}, "spec.predictor.autoScaling.metrics[0].external.metric.query"},
		"no address":          {[]string{"serverAddress", "namespace"}, "spec.predictor.autoScaling.metrics[0].external.metric.serverAddress"},
		"unknown backend":     {[]string{"backend: prometheus", "backend: influx"}, "spec.predictor.autoScaling.metrics[0].external.metric.backend"},
		"PodMetric":           {[]string{"type: External", "type: PodMetric"}, "spec.predictor.autoScaling.metrics[0].type"},
		"min above max":       {[]string{"minReplicas: 1", "minReplicas: 9"}, "spec.predictor.maxReplicas"},
		"no metrics":          {[]string{"metrics:", "ignored:"}, "spec.predictor.autoScaling.metrics"},
		"Knative":             {[]string{"RawDeployment", "Knative"}, "metadata.annotations[serving.kserve.io/deploymentMode]"},
		"multi-node":          {[]string{"minReplicas: 1", "workerSpec: {pipelineParallelSize: 2}"}, "spec.predictor.workerSpec"},
		"transformer":         {[]string{"spec:\n", "spec:\n  transformer: {autoScaling: {metrics: []}}\n"}, "spec.transformer.autoScaling"},
		"name too long":       {[]string{"name: llama\n", "name: " + strings.Repeat("l", 45) + "\n"}, "metadata.name"},
		"target below 1/1000": {[]string{"'1'", "'100u'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"target above int64":  {[]string{"'1'", "'10E'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"negative minimum":    {[]string{"minReplicas: 1", "minReplicas: -1"}, "spec.predictor.minReplicas"},
		"negative maximum":    {[]string{"maxReplicas: 8", "maxReplicas: -8"}, "spec.predictor.maxReplicas"},
		"explainer":           {[]string{"spec:\n", "spec:\n  explainer: {autoScaling: {metrics: []}}\n"}, "spec.explainer.autoScaling"},
		"injected namespace":  {[]string{"backend: prometheus", "backend: prometheus\n              namespace: a&b=c"}, "spec.predictor.autoScaling.metrics[0].external.metric.namespace"},
		"nameless auth":       {[]string{"name: prom-basic-auth", "name: ''"}, "spec.predictor.autoScaling.metrics[0].external.authenticationRef.authenticationRef.name"},
		"metric type":         {[]string{"RawDeployment", "RawDeployment\n    flyball.dev/metric-type: Mean"}, "metadata.annotations[flyball.dev/metric-type]"},
		"metric types":        {[]string{"RawDeployment", "RawDeployment\n    flyball.dev/metric-type: Value,Value"}, "metadata.annotations[flyball.dev/metric-type]"},
		"type without block":  {[]string{"type: External", "type: Resource"}, "spec.predictor.autoScaling.metrics[0]"},
		"utilization query":   {[]string{"type: Value", "type: Utilization"}, "spec.predictor.autoScaling.metrics[0].external.target.type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Map(service(t, tc.replace...))
			var r *Refusal
			if !errors.As(err, &r) || r.Field != tc.field || r.What == "" || r.Fix == "" {
				t.Errorf("Map() = %v, want a refusal of %s with a fix", err, tc.field)
			}
		})
	}
}

// resource is the guide's manifest with a Resource metric in the place of its own.
func resourceService(t *testing.T, metric string) *InferenceService {
	t.Helper()
	s := service(t)
	m := Metric{Type: "Resource", Resource: &ResourceMetric{}}
	if err := yaml.Unmarshal([]byte(metric), m.Resource); err != nil {
		t.Fatal(err)
	}
	s.Spec.Predictor.AutoScaling.Metrics = []Metric{m}
	return s
}

func TestMapResource(t *testing.T) {
	for metric, want := range map[string]Trigger{
		"{name: cpu, target: {type: Utilization, averageUtilization: 60}}": {Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "60"}},
		"{name: cpu, target: {averageUtilization: 60}}":                    {Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "60"}},
		"{name: cpu, target: {type: Utilization}}":                         {Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "80"}},
		"{name: cpu}": {Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "80"}},
		"{name: memory, target: {type: AverageValue, averageValue: 2Gi}}": {Type: "memory", MetricType: "AverageValue", Metadata: map[string]string{"value": "2Gi"}},
		"{name: memory, target: {averageValue: 2Gi}}":                     {Type: "memory", MetricType: "AverageValue", Metadata: map[string]string{"value": "2Gi"}},
	} {
		so, _, err := Map(resourceService(t, metric))
		if err != nil {
			t.Errorf("Map(%s) = %v", metric, err)
			continue
		}
		if diff := cmp.Diff([]Trigger{want}, so.Spec.Triggers); diff != "" || so.Spec.Fallback != nil {
			t.Errorf("Map(%s): fallback %v, want none: KEDA has it for queries only; -want +got\n%s", metric, so.Spec.Fallback, diff)
		}
	}
	for metric, field := range map[string]string{
		"{name: gpu}":    ".resource.name",
		"{name: memory}": ".resource.target.averageUtilization",
		"{name: cpu, target: {type: Value, value: '1'}}":                 ".resource.target.type",
		"{name: cpu, target: {averageUtilization: 0}}":                   ".resource.target.averageUtilization",
		"{name: memory, target: {type: AverageValue}}":                   ".resource.target.averageValue",
		"{name: memory, target: {type: AverageValue, averageValue: 2x}}": ".resource.target.averageValue",
	} {
		_, _, err := Map(resourceService(t, metric))
		var r *Refusal
		if !errors.As(err, &r) || r.Field != MetricsField+"[0]"+field {
			t.Errorf("Map(%s) = %v, want a refusal of %s", metric, err, field)
		}
	}
	asleep := resourceService(t, "{name: cpu}")
	asleep.Spec.Predictor.MinReplicas = new(int32(0))
	var r *Refusal
	if _, _, err := Map(asleep); !errors.As(err, &r) || r.Field != "spec.predictor.minReplicas" {
		t.Errorf("Map(cpu from 0) = %v, want a refusal of minReplicas", err)
	}
}

func TestMapEachMetricByItsType(t *testing.T) {
	s := service(t, "RawDeployment", "RawDeployment\n    flyball.dev/metric-type: AverageValue, Value")
	s.Spec.Predictor.AutoScaling.Metrics = append(s.Spec.Predictor.AutoScaling.Metrics, s.Spec.Predictor.AutoScaling.Metrics[0])
	so, _, err := Map(s)
	if err != nil || so.Spec.Triggers[0].MetricType != "AverageValue" || so.Spec.Triggers[1].MetricType != "Value" {
		t.Errorf("Map() = %+v, %v, want AverageValue, then Value", so, err)
	}
}

func TestMapModeInStatus(t *testing.T) {
	s := service(t)
	s.Status.DeploymentMode = "Knative"
	var r *Refusal
	if _, _, err := Map(s); !errors.As(err, &r) || r.Field != ModeField {
		t.Errorf("Map() = %v, want a refusal of the mode that KServe recorded", err)
	}
}
