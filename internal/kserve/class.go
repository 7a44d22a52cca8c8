package kserve

import (
	"cmp"
	"fmt"
	"strings"
)

// Annotations and labels of KServe and of Flyball.
const (
	ClassAnnotation = "serving.kserve.io/autoscalerClass"
	ModeAnnotation  = "serving.kserve.io/deploymentMode"
	StopAnnotation  = "serving.kserve.io/stop"
	ServiceLabel    = "serving.kserve.io/inferenceservice"
	ComponentLabel  = "component" // of KServe, on its pods: predictor, transformer or explainer
	ManagedByLabel  = "app.kubernetes.io/managed-by"

	// TransferAnnotation lets a ScaledObject take an HPA over, by its name.
	TransferAnnotation = "scaledobject.keda.sh/transfer-hpa-ownership"

	// MetricTypeAnnotation makes External targets KEDA's Value (metric ÷ target ×
	// ready pods) instead of the guide's ceil(metric ÷ target): for ratios and
	// latencies, where a sum over replicas has no meaning. One word is for every
	// metric; a list such as "AverageValue,Value" is for each by its place.
	MetricTypeAnnotation = "flyball.dev/metric-type"

	// ServesAnnotation has the model names, separated by commas, that a service claims
	// of others in its namespace which serve them too.
	ServesAnnotation = "flyball.dev/serves"

	// Manager is Flyball's field manager and the value of its managed-by label.
	Manager = "flyball"
)

// Fields that a refusal names.
const (
	ModeField    = "metadata.annotations[" + ModeAnnotation + "]"
	MetricsField = "spec.predictor.autoScaling.metrics"
)

// maxName is Kubernetes' for an HPA's, MaxScaledObjectName what that leaves of it for the
// ScaledObject's of which KEDA makes one, and maxServiceName for the service's.
const (
	maxName             = 63
	hpaPrefix           = "keda-hpa-"
	MaxScaledObjectName = maxName - len(hpaPrefix)
	maxServiceName      = MaxScaledObjectName - len("-predictor")
)

// HPAName is what KEDA calls the HPA of a ScaledObject, unless that names another.
func HPAName(scaledObject string) string { return hpaPrefix + scaledObject }

// PredictorName is what KServe calls the predictor's Deployment.
func PredictorName(service string) string { return service + "-predictor" }

// ServiceOf is the InferenceService whose predictor a Deployment is, by its labels and name; ""
// if it is none.
func ServiceOf(labels map[string]string, deployment string) string {
	if name := labels[ServiceLabel]; name != "" && PredictorName(name) == deployment {
		return name
	}
	return ""
}

// Class is the autoscaler class in force: the predictor's own annotation wins.
func Class(s *InferenceService) string {
	return cmp.Or(s.Spec.Predictor.Annotations[ClassAnnotation], s.Annotations[ClassAnnotation], "hpa")
}

// Claims are the model names of ServesAnnotation.
func Claims(s *InferenceService) []string {
	var names []string
	for name := range strings.SplitSeq(s.Annotations[ServesAnnotation], ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// HasClass tells whether a class is given, which belongs to the mode with Deployments.
func HasClass(s *InferenceService) bool {
	return s.Spec.Predictor.Annotations[ClassAnnotation] != "" || s.Annotations[ClassAnnotation] != ""
}

// Stopped tells whether the user has stopped the service.
func Stopped(s *InferenceService) bool {
	return strings.EqualFold(s.Annotations[StopAnnotation], "true")
}

// HasMetrics says whether the service asks for guide mode at all: class external
// without metrics leaves scaling to someone else.
func HasMetrics(s *InferenceService) bool {
	return s.Spec.Predictor.AutoScaling != nil && len(s.Spec.Predictor.AutoScaling.Metrics) > 0
}

// Bounds are the replica limits as KServe means them: no minimum is 1, no
// maximum (or 0) is the minimum. The warning names the field that fixes the count.
func Bounds(c Component) (lo, hi int32, warning string) {
	lo = 1
	if c.MinReplicas != nil {
		lo = *c.MinReplicas
	}
	hi = c.MaxReplicas
	if hi == 0 {
		hi = max(lo, 1) // KEDA knows no maximum of 0
		warning = fmt.Sprintf("spec.predictor.maxReplicas is not set, so that %d is the most there will be "+
			"(KServe's rule: the maximum is then the minimum); set spec.predictor.maxReplicas", hi)
	}
	return lo, hi, warning
}

// HasDeployment tells whether KServe makes a Deployment in a mode; "" is not told.
func HasDeployment(mode string) bool {
	return mode == "" || mode == "Standard" || mode == "RawDeployment"
}
