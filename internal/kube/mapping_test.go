package kube

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// guide is the guide's manifest with the two bounds that it forgets.
const guide = `
metadata:
  name: llama
  namespace: demo
  uid: u1
  annotations:
    serving.kserve.io/deploymentMode: RawDeployment
    serving.kserve.io/autoscalerClass: external
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    autoScaling:
      metrics:
        - type: External
          external:
            authenticationRef:
              authModes: basic
              authenticationRef:
                name: prom-basic-auth
            metric:
              backend: prometheus
              query: >
                sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})
              serverAddress: http://prometheus-operated.cpaas-system.svc.cluster.local:9090
            target:
              type: Value
              value: '1'
`

// service is the guide's manifest after replacements "old", "new", ….
func service(t *testing.T, replace ...string) *InferenceService {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(guide)
	if len(replace) > 0 && text == guide {
		t.Fatalf("%q is not in the guide's manifest", replace[0])
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	s := &InferenceService{}
	if err := Decode(o, s); err != nil {
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
		Type: "prometheus", MetricType: autoscalingv2.AverageValueMetricType, AuthenticationRef: &AuthenticationRef{"prom-basic-auth"},
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

func TestMapRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		replace []string
		field   string
	}{
		"zero target":       {[]string{"'1'", "'0'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"negative target":   {[]string{"'1'", "'-1'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"word as target":    {[]string{"'1'", "'many'"}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"no target":         {[]string{"value: '1'", ""}, "spec.predictor.autoScaling.metrics[0].external.target.value"},
		"no query":          {[]string{"query: >", "namespace: >"}, "spec.predictor.autoScaling.metrics[0].external.metric.query"},
		"no address":        {[]string{"serverAddress", "namespace"}, "spec.predictor.autoScaling.metrics[0].external.metric.serverAddress"},
		"unknown backend":   {[]string{"backend: prometheus", "backend: influx"}, "spec.predictor.autoScaling.metrics[0].external.metric.backend"},
		"PodMetric":         {[]string{"type: External", "type: PodMetric"}, "spec.predictor.autoScaling.metrics[0].type"},
		"min above max":     {[]string{"minReplicas: 1", "minReplicas: 9"}, "spec.predictor.maxReplicas"},
		"no metrics":        {[]string{"metrics:", "ignored:"}, "spec.predictor.autoScaling.metrics"},
		"Knative":           {[]string{"RawDeployment", "Knative"}, "metadata.annotations[serving.kserve.io/deploymentMode]"},
		"multi-node":        {[]string{"minReplicas: 1", "workerSpec: {pipelineParallelSize: 2}"}, "spec.predictor.workerSpec"},
		"transformer":       {[]string{"spec:\n", "spec:\n  transformer: {autoScaling: {metrics: []}}\n"}, "spec.transformer.autoScaling"},
		"name too long":     {[]string{"name: llama\n", "name: " + strings.Repeat("l", 45) + "\n"}, "metadata.name"},
		"utilization query": {[]string{"type: Value", "type: Utilization"}, "spec.predictor.autoScaling.metrics[0].external.target.type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Map(service(t, tc.replace...))
			var r *Refusal
			if !errors.As(err, &r) || r.Field != tc.field || r.What == "" || r.Mend == "" {
				t.Errorf("Map() = %v, want a refusal of %s with a mend", err, tc.field)
			}
		})
	}
}
