package kserve

import (
	"cmp"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// graphiteFrom is how far back KEDA looks for Graphite's newest point. KEDA demands
// the setting; an InferenceService has no field for it.
const graphiteFrom = "-5Minutes"

// mapMetrics makes every item of the list a trigger, in its order.
func mapMetrics(s *InferenceService) ([]Trigger, *Refusal) {
	metrics := s.Spec.Predictor.AutoScaling.Metrics
	types, r := MetricTypes(s)
	if r != nil {
		return nil, r
	}
	triggers := make([]Trigger, 0, len(metrics))
	for i, m := range metrics {
		path := fmt.Sprintf("%s[%d]", MetricsField, i)
		var t Trigger
		switch {
		case m.Type == "Resource" && m.Resource != nil:
			t, r = resourceTrigger(m.Resource, path+".resource")
		case m.Type == "External" && m.External != nil:
			t, r = externalTrigger(m.External, path+".external")
			t.MetricType = types[i]
		case m.Type == "PodMetric":
			r = refuse(AboutSource, path+".type", "use an External metric with a Prometheus query",
				"PodMetric needs an OpenTelemetry scaler, which Flyball does not install")
		default:
			r = refuse(AboutSource, path, "give the block that its type names", "type %q has no block of its own", m.Type)
		}
		if r != nil {
			return nil, r
		}
		triggers = append(triggers, t)
	}
	return triggers, nil
}

// MetricTypes reads MetricTypeAnnotation: one type for each metric. A Resource metric
// ignores its word.
func MetricTypes(s *InferenceService) ([]autoscalingv2.MetricTargetType, *Refusal) {
	if !HasMetrics(s) {
		return nil, nil
	}
	n := len(s.Spec.Predictor.AutoScaling.Metrics)
	words := strings.Split(cmp.Or(s.Annotations[MetricTypeAnnotation], string(autoscalingv2.AverageValueMetricType)), ",")
	if len(words) != 1 && len(words) != n {
		return nil, refuse(AboutTarget, "metadata.annotations["+MetricTypeAnnotation+"]", "give one word, or one for each metric",
			"it has %d words for %d metrics", len(words), n)
	}
	types := make([]autoscalingv2.MetricTargetType, n)
	for i := range types {
		word := strings.TrimSpace(words[min(i, len(words)-1)])
		types[i] = autoscalingv2.MetricTargetType(word)
		if types[i] != autoscalingv2.AverageValueMetricType && types[i] != autoscalingv2.ValueMetricType {
			return nil, refuse(AboutTarget, "metadata.annotations["+MetricTypeAnnotation+"]", "use Value or AverageValue", "%q is neither", word)
		}
	}
	return types, nil
}

func hasQuery(triggers []Trigger) bool {
	for _, t := range triggers {
		if t.Type == "prometheus" || t.Type == "graphite" {
			return true
		}
	}
	return false
}

// resourceTrigger maps as KServe does, and refuses what KEDA's cpu and memory
// scalers then would. A type that is not given follows from the value that is.
func resourceTrigger(m *ResourceMetric, path string) (Trigger, *Refusal) {
	t := Trigger{Type: m.Name, MetricType: autoscalingv2.MetricTargetType(m.Target.Type)}
	if m.Name != "cpu" && m.Name != "memory" {
		return t, refuse(AboutSource, path+".name", "use cpu or memory", "the HPA knows no resource %q", m.Name)
	}
	if t.MetricType == "" {
		t.MetricType = autoscalingv2.UtilizationMetricType
		if m.Target.AverageUtilization == nil && m.Target.AverageValue != nil {
			t.MetricType = autoscalingv2.AverageValueMetricType
		}
	}
	var value string
	var r *Refusal
	switch t.MetricType {
	case autoscalingv2.UtilizationMetricType:
		value, r = utilization(m, path+".target.averageUtilization")
	case autoscalingv2.AverageValueMetricType:
		var q resource.Quantity
		q, r = quantity(m.Target.AverageValue, path+".target.averageValue")
		value = q.String()
	default:
		r = refuse(AboutTarget, path+".target.type", "use Utilization or AverageValue", "KEDA scales no resource by %s", t.MetricType)
	}
	t.Metadata = map[string]string{"value": value}
	return t, r
}

func utilization(m *ResourceMetric, field string) (string, *Refusal) {
	const fix = "give a percentage of the request, such as 80"
	switch percent := m.Target.AverageUtilization; {
	case percent == nil && m.Name == "cpu":
		return "80", nil // KServe's default
	case percent == nil:
		return "", refuse(AboutTarget, field, fix, "it is missing")
	case *percent <= 0:
		return "", refuse(AboutTarget, field, fix, "%d is not positive", *percent)
	default:
		return fmt.Sprint(*percent), nil
	}
}

func externalTrigger(m *ExternalMetric, path string) (Trigger, *Refusal) {
	t := Trigger{Type: cmp.Or(m.Metric.Backend, "prometheus")}
	query := strings.TrimSpace(m.Metric.Query)
	if r := refuseSource(t.Type, m, path); r != nil {
		return t, r
	}
	threshold, r := threshold(m.Target, path+".target")
	if r != nil {
		return t, r
	}
	t.Metadata = map[string]string{"serverAddress": m.Metric.ServerAddress, "query": query, "threshold": threshold}
	if t.Type == "graphite" {
		t.Metadata["queryTime"] = graphiteFrom
	} else {
		t.Metadata["ignoreNullValues"] = "false" // no answer is no number, not zero
		if m.Metric.Namespace != "" {
			t.Metadata["namespace"] = m.Metric.Namespace
		}
	}
	if ref := m.AuthenticationRef; ref != nil {
		if ref.AuthModes != "" {
			t.Metadata["authModes"] = ref.AuthModes
		}
		t.AuthenticationRef = &AuthenticationRef{Name: ref.AuthenticationRef.Name}
	}
	return t, nil
}

func refuseSource(backend string, m *ExternalMetric, path string) *Refusal {
	switch {
	case backend != "prometheus" && backend != "graphite":
		return refuse(AboutSource, path+".metric.backend", "use prometheus or graphite", "backend %q is unknown", backend)
	case m.Metric.ServerAddress == "":
		return refuse(AboutSource, path+".metric.serverAddress", "give the address of the metrics server, such as http://prometheus:9090", "it is missing")
	case strings.TrimSpace(m.Metric.Query) == "":
		return refuse(AboutSource, path+".metric.query", "give a query that returns one number", "it is missing")
	case m.Metric.Namespace != "" && len(validation.IsDNS1123Label(m.Metric.Namespace)) > 0:
		// KEDA appends it to the URL as it is.
		return refuse(AboutSource, path+".metric.namespace", "give the name of a namespace", "%q is none", m.Metric.Namespace)
	case m.AuthenticationRef != nil && m.AuthenticationRef.AuthenticationRef.Name == "":
		return refuse(AboutSource, path+".authenticationRef.authenticationRef.name", "give the name of a TriggerAuthentication", "it is missing")
	}
	return nil
}

// threshold is the target as a plain decimal: KEDA does not parse "500m".
func threshold(t Target, path string) (string, *Refusal) {
	given, field := t.Value, path+".value"
	if given == nil || t.Type == "AverageValue" && t.AverageValue != nil {
		given, field = cmp.Or(t.AverageValue, given), path+".averageValue"
	}
	switch {
	case t.Type == "Utilization":
		return "", refuse(AboutTarget, path+".type", "use Value or AverageValue", "a query has no utilization")
	case given == nil:
		return "", refuse(AboutTarget, path+".value", "give the metric's value for one replica, such as '1'", "it is missing")
	}
	q, r := quantity(given, field)
	if r != nil {
		return "", r
	}
	text := q.AsDec().String()
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text, nil
}

// quantity is positive and one that the HPA can count with.
func quantity(given *intstr.IntOrString, field string) (resource.Quantity, *Refusal) {
	if given == nil {
		return resource.Quantity{}, refuse(AboutTarget, field, "give a quantity", "it is missing")
	}
	q, err := resource.ParseQuantity(given.String())
	if err != nil {
		return q, refuse(AboutTarget, field, "give a number such as '1', '0.5' or '500m'", "%q is not a number", given.String())
	}
	switch {
	case q.Sign() <= 0:
		return q, refuse(AboutTarget, field, "give a number above 0", "the target %s is not positive", given.String())
	case q.Cmp(*resource.NewMilliQuantity(1, resource.DecimalSI)) < 0:
		return q, refuse(AboutTarget, field, "multiply query and target", "KEDA rounds the target %s to thousandths, to 0", given.String())
	case q.Cmp(*resource.NewScaledQuantity(9, resource.Peta)) > 0:
		return q, refuse(AboutTarget, field, "divide query and target", "the HPA counts in thousandths of an int64, which %s exceeds", given.String())
	}
	return q, nil
}
