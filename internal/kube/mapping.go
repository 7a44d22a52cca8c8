package kube

import (
	"cmp"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations and labels of KServe and of Flyball.
const (
	classAnnotation = "serving.kserve.io/autoscalerClass"
	modeAnnotation  = "serving.kserve.io/deploymentMode"
	stopAnnotation  = "serving.kserve.io/stop"
	serviceLabel    = "serving.kserve.io/inferenceservice"
	managedByLabel  = "app.kubernetes.io/managed-by"

	// MetricTypeAnnotation makes External targets KEDA's Value (metric ÷ target ×
	// ready pods) instead of the guide's ceil(metric ÷ target): for ratios and
	// latencies, where a sum over replicas has no meaning. One word is for every
	// metric; a list such as "AverageValue,Value" is for each by its place.
	MetricTypeAnnotation = "flyball.dev/metric-type"

	// Manager is Flyball's field manager and the value of its managed-by label.
	Manager = "flyball"
)

// maxServiceName keeps "keda-hpa-<name>-predictor" within KEDA's 63 characters.
const maxServiceName = 63 - len("keda-hpa-") - len("-predictor")

const (
	modeField    = "metadata.annotations[" + modeAnnotation + "]"
	metricsField = "spec.predictor.autoScaling.metrics"
)

// predictorName is what KServe calls the predictor's Deployment.
func predictorName(service string) string { return service + "-predictor" }

// class is the autoscaler class in force: the predictor's own annotation wins.
func class(s *InferenceService) string {
	return cmp.Or(s.Spec.Predictor.Annotations[classAnnotation], s.Annotations[classAnnotation], "hpa")
}

func stopped(s *InferenceService) bool {
	return strings.EqualFold(s.Annotations[stopAnnotation], "true")
}

// metered says whether the service asks for guide mode at all: class external
// without metrics leaves scaling to someone else.
func metered(s *InferenceService) bool {
	return s.Spec.Predictor.AutoScaling != nil && len(s.Spec.Predictor.AutoScaling.Metrics) > 0
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
		hi = max(lo, 1) // KEDA knows no maximum of 0
		warning = fmt.Sprintf("spec.predictor.maxReplicas is not set, so that %d is the most there will be "+
			"(KServe's rule: the maximum is then the minimum); set spec.predictor.maxReplicas", hi)
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
	lo, hi, warning := bounds(s.Spec.Predictor)
	for _, check := range []func() *Refusal{
		func() *Refusal { return refuseService(s) },
		func() *Refusal { return refuseBounds(s.Spec.Predictor, lo, hi) },
	} {
		if r := check(); r != nil {
			return nil, "", r
		}
	}
	triggers, r := mapMetrics(s)
	if r != nil {
		return nil, "", r
	}
	so = newScaledObject(s)
	so.Spec = ScaledObjectSpec{
		ScaleTargetRef:  ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: so.Name},
		MinReplicaCount: &lo, MaxReplicaCount: &hi,
		Advanced: &Advanced{}, Triggers: triggers,
	}
	so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = behavior(s.Spec.Predictor.AutoScaling.Behavior)
	switch onlyResources := !hasQuery(triggers); {
	case onlyResources && lo == 0:
		return nil, "", refuse("spec.predictor.minReplicas", "set it to 1, or add an External metric",
			"cpu and memory cannot tell when to wake a service from 0")
	case !onlyResources && lo > 0: // from 0 any fallback either wakes the service or scales it in
		so.Spec.Fallback = &Fallback{FailureThreshold: 3, Replicas: lo, Behavior: "currentReplicasIfHigher"}
	}
	return so, warning, nil
}

func newScaledObject(s *InferenceService) *ScaledObject {
	so := &ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: predictorName(s.Name), Namespace: s.Namespace,
		Labels: map[string]string{managedByLabel: Manager, serviceLabel: s.Name},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: InferenceServiceKind.GroupVersion().String(), Kind: InferenceServiceKind.Kind,
			Name: s.Name, UID: s.UID, Controller: new(true), BlockOwnerDeletion: new(false),
		}},
	}}
	so.APIVersion, so.Kind = ScaledObjectKind.ToAPIVersionAndKind()
	return so
}

// refuseService looks for what no mapping of metrics can mend.
func refuseService(s *InferenceService) *Refusal {
	// KServe keeps the mode that it recorded first, whatever the annotation says later.
	switch mode := cmp.Or(s.Status.DeploymentMode, s.Annotations[modeAnnotation]); {
	case mode != "" && mode != "Standard" && mode != "RawDeployment":
		return refuse(modeField, "create the service with RawDeployment (now called Standard)", "mode %q has no Deployment to scale", mode)
	case len(s.Spec.Predictor.WorkerSpec) > 0:
		return refuse("spec.predictor.workerSpec", "KServe demands autoscalerClass none for it: remove workerSpec, or set the class to none",
			"a multi-node service cannot be scaled by replicas")
	case s.Spec.Transformer != nil && s.Spec.Transformer.AutoScaling != nil:
		return refuse("spec.transformer.autoScaling", "remove it", "only the predictor is scaled")
	case s.Spec.Explainer != nil && s.Spec.Explainer.AutoScaling != nil:
		return refuse("spec.explainer.autoScaling", "remove it", "only the predictor is scaled")
	case !metered(s):
		return refuse(metricsField, "add a metric as the guide shows", "class external needs at least one metric")
	case len(s.Name) > maxServiceName:
		return refuse("metadata.name", fmt.Sprintf("use at most %d characters", maxServiceName),
			"its %d characters make KEDA's name keda-hpa-%s longer than 63", len(s.Name), predictorName(s.Name))
	}
	return nil
}

func refuseBounds(c Component, lo, hi int32) *Refusal {
	switch {
	case lo < 0:
		return refuse("spec.predictor.minReplicas", "set it to 0 or more", "%d is negative", lo)
	case hi < 0:
		return refuse("spec.predictor.maxReplicas", "set it to 1 or more", "%d is negative", c.MaxReplicas)
	case hi < lo:
		return refuse("spec.predictor.maxReplicas", fmt.Sprintf("set it to %d or more, or lower minReplicas", lo),
			"maxReplicas %d is below minReplicas %d", hi, lo)
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
