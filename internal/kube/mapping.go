package kube

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations and labels of KServe and of Flyball.
const (
	classAnnotation = "serving.kserve.io/autoscalerClass"
	modeAnnotation  = "serving.kserve.io/deploymentMode"
	stopAnnotation  = "serving.kserve.io/stop"
	serviceLabel    = "serving.kserve.io/inferenceservice"
	managedByLabel  = "app.kubernetes.io/managed-by"

	// MetricTypeAnnotation makes External targets of type Value KEDA's Value
	// (metric ÷ target × ready pods) instead of the guide's ceil(metric ÷ target):
	// for ratios and latencies, where a sum over replicas has no meaning.
	MetricTypeAnnotation = "flyball.dev/metric-type"

	// Manager is Flyball's field manager and the value of its managed-by label.
	Manager = "flyball"
)

// maxServiceName keeps "keda-hpa-<name>-predictor" within KEDA's 63 characters.
const maxServiceName = 63 - len("keda-hpa-") - len("-predictor")

// predictorName is what KServe calls the predictor's Deployment.
func predictorName(service string) string { return service + "-predictor" }

// class is the autoscaler class in force: the predictor's own annotation wins.
func class(s *InferenceService) string {
	return cmp.Or(s.Spec.Predictor.Annotations[classAnnotation], s.Annotations[classAnnotation], "hpa")
}

func stopped(s *InferenceService) bool {
	return strings.EqualFold(s.Annotations[stopAnnotation], "true")
}

// bounds are the replica limits as KServe means them: no minimum is 1, no
// maximum (or 0) is the minimum. The warning names the field that fixes the count.
func bounds(c Component) (lo, hi int32, warning string) {
	lo = 1
	if c.MinReplicas != nil {
		lo = *c.MinReplicas
	}
	hi = c.MaxReplicas
	if hi == 0 {
		hi = max(lo, 1)
		warning = fmt.Sprintf("spec.predictor.maxReplicas is not set, so that it equals the minimum and %d replica(s) is all there will be; set spec.predictor.maxReplicas", hi)
	}
	return lo, hi, warning
}

// Map turns a service into the ScaledObject that the guide promises, or says
// why not. The warning, if any, is for an Event.
//
// Worked example (TestMapGuide): the guide's manifest, target {Value, '1'}, gives
// threshold "1" with metricType AverageValue, so that a sum of 3 running requests
// asks for ceil(3 ÷ 1) = 3 replicas.
func Map(s *InferenceService) (so *ScaledObject, warning string, err error) {
	if r := refuseService(s); r != nil {
		return nil, "", r
	}
	lo, hi, warning := bounds(s.Spec.Predictor)
	if lo < 0 || hi < lo {
		return nil, "", refuse("spec.predictor.maxReplicas", "set minReplicas ≥ 0 and maxReplicas ≥ minReplicas",
			"minReplicas %d and maxReplicas %d leave no room", lo, hi)
	}
	so = &ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: predictorName(s.Name), Namespace: s.Namespace,
		Labels: map[string]string{managedByLabel: Manager, serviceLabel: s.Name},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: InferenceServiceKind.GroupVersion().String(), Kind: InferenceServiceKind.Kind,
			Name: s.Name, UID: s.UID, Controller: new(true), BlockOwnerDeletion: new(false),
		}},
	}}
	so.APIVersion, so.Kind = ScaledObjectKind.ToAPIVersionAndKind()
	so.Spec = ScaledObjectSpec{
		ScaleTargetRef:  ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: predictorName(s.Name)},
		MinReplicaCount: &lo, MaxReplicaCount: &hi,
		Advanced: &Advanced{},
	}
	so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = behavior(s.Spec.Predictor.AutoScaling.Behavior)
	if lo > 0 { // from zero, any fallback either wakes the service or scales it in
		so.Spec.Fallback = &Fallback{FailureThreshold: 3, Replicas: lo, Behavior: "currentReplicasIfHigher"}
	}
	for i, m := range s.Spec.Predictor.AutoScaling.Metrics {
		t, r := trigger(s, m, fmt.Sprintf("spec.predictor.autoScaling.metrics[%d]", i))
		if r != nil {
			return nil, "", r
		}
		so.Spec.Triggers = append(so.Spec.Triggers, t)
	}
	return so, warning, nil
}

// refuseService looks for what no mapping of metrics can mend.
func refuseService(s *InferenceService) *Refusal {
	scaling := s.Spec.Predictor.AutoScaling
	switch mode := s.Annotations[modeAnnotation]; {
	case mode != "" && mode != "Standard" && mode != "RawDeployment":
		return refuse("metadata.annotations["+modeAnnotation+"]", "set it to RawDeployment (Standard)", "mode %q has no Deployment to scale", mode)
	case len(s.Spec.Predictor.WorkerSpec) > 0:
		return refuse("spec.predictor.workerSpec", "KServe demands autoscalerClass none for it; remove workerSpec or the class",
			"a multi-node service cannot be scaled by replicas")
	case s.Spec.Transformer != nil && s.Spec.Transformer.AutoScaling != nil:
		return refuse("spec.transformer.autoScaling", "remove it; a transformer needs its own ScaledObject", "only the predictor is scaled")
	case scaling == nil || len(scaling.Metrics) == 0:
		return refuse("spec.predictor.autoScaling.metrics", "add a metric as the guide shows", "class external needs at least one metric")
	case len(s.Name) > maxServiceName:
		return refuse("metadata.name", fmt.Sprintf("use at most %d characters", maxServiceName), "%d characters make KEDA's HPA name too long", len(s.Name))
	}
	return nil
}

// behavior is the user's, with the windows written out where they are unset:
// up at once, down over 300 s.
func behavior(given *autoscalingv2.HorizontalPodAutoscalerBehavior) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	b := given.DeepCopy()
	if b == nil {
		b = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	for _, side := range []struct {
		rules  **autoscalingv2.HPAScalingRules
		window int32
	}{{&b.ScaleUp, 0}, {&b.ScaleDown, 300}} {
		if *side.rules == nil {
			*side.rules = &autoscalingv2.HPAScalingRules{}
		}
		if (*side.rules).StabilizationWindowSeconds == nil {
			(*side.rules).StabilizationWindowSeconds = new(side.window)
		}
	}
	return b
}

func trigger(s *InferenceService, m Metric, path string) (Trigger, *Refusal) {
	switch {
	case m.Type == "Resource" && m.Resource != nil:
		return resourceTrigger(m.Resource, path+".resource")
	case m.Type == "External" && m.External != nil:
		return externalTrigger(s, m.External, path+".external")
	case m.Type == "PodMetric":
		return Trigger{}, refuse(path+".type", "use an External metric with a Prometheus query", "PodMetric needs an OpenTelemetry scaler, which Flyball does not install")
	}
	return Trigger{}, refuse(path, "give the block that its type names", "type %q has no block of its own", m.Type)
}

func resourceTrigger(m *ResourceMetric, path string) (Trigger, *Refusal) {
	t := Trigger{Type: m.Name, MetricType: autoscalingv2.MetricTargetType(m.Target.Type)}
	switch {
	case m.Name != "cpu" && m.Name != "memory":
		return t, refuse(path+".name", "use cpu or memory", "resource %q is not one that the HPA knows", m.Name)
	case m.Target.Type == "AverageValue" && m.Target.AverageValue != nil:
		t.Metadata = map[string]string{"value": m.Target.AverageValue.String()}
	case m.Target.Type == "Value" && m.Target.Value != nil:
		t.Metadata = map[string]string{"value": m.Target.Value.String()}
	case m.Target.Type == "Utilization" && m.Target.AverageUtilization != nil:
		t.Metadata = map[string]string{"value": fmt.Sprint(*m.Target.AverageUtilization)}
	case m.Target.Type == "" || m.Target.Type == "Utilization" && m.Name == "cpu":
		t.MetricType = autoscalingv2.UtilizationMetricType
		t.Metadata = map[string]string{"value": "80"} // KServe's default
	default:
		return t, refuse(path+".target", "give the value that its type names", "type %q lacks its value", m.Target.Type)
	}
	return t, nil
}

func externalTrigger(s *InferenceService, m *ExternalMetric, path string) (Trigger, *Refusal) {
	backend := cmp.Or(m.Metric.Backend, "prometheus")
	switch {
	case backend != "prometheus" && backend != "graphite":
		return Trigger{}, refuse(path+".metric.backend", "use prometheus or graphite", "backend %q is unknown", backend)
	case m.Metric.ServerAddress == "":
		return Trigger{}, refuse(path+".metric.serverAddress", "give the address of the metrics server", "it is missing")
	case strings.TrimSpace(m.Metric.Query) == "":
		return Trigger{}, refuse(path+".metric.query", "give a query that returns one number", "it is missing")
	}
	threshold, r := threshold(m.Target, path+".target")
	if r != nil {
		return Trigger{}, r
	}
	t := Trigger{Type: backend, MetricType: autoscalingv2.AverageValueMetricType, Metadata: map[string]string{
		"serverAddress": m.Metric.ServerAddress, "query": strings.TrimSpace(m.Metric.Query), "threshold": threshold,
	}}
	if s.Annotations[MetricTypeAnnotation] == "Value" {
		t.MetricType = autoscalingv2.ValueMetricType
	}
	extra := map[string]string{}
	if backend == "prometheus" {
		extra["ignoreNullValues"] = "false" // no answer is no number, not zero
		if m.Metric.Namespace != "" {
			extra["namespace"] = m.Metric.Namespace
		}
	}
	if ref := m.AuthenticationRef; ref != nil {
		t.AuthenticationRef = &AuthenticationRef{Name: ref.AuthenticationRef.Name}
		if ref.AuthModes != "" {
			extra["authModes"] = ref.AuthModes
		}
	}
	maps.Copy(t.Metadata, extra)
	return t, nil
}

// threshold is the target as a plain decimal: KEDA does not parse "500m".
func threshold(t Target, path string) (string, *Refusal) {
	given, field := t.Value, path+".value"
	if given == nil || t.Type == "AverageValue" && t.AverageValue != nil {
		given, field = t.AverageValue, path+".averageValue"
	}
	if t.Type == "Utilization" {
		return "", refuse(path+".type", "use Value or AverageValue", "Utilization has no meaning for a query")
	}
	if given == nil {
		return "", refuse(path+".value", "give the metric's value for one replica, such as '1'", "it is missing")
	}
	q, err := resource.ParseQuantity(given.String())
	if err != nil {
		return "", refuse(field, "give a number such as '1', '0.5' or '500m'", "%q is not a quantity", given.String())
	}
	if q.MilliValue() <= 0 {
		return "", refuse(field, "give a number above 0.001", "the target %s is not positive", given.String())
	}
	return q.AsDec().String(), nil
}
