package kserve

import (
	"cmp"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Map turns a service into the ScaledObject that the guide promises, or says
// why not. The warning, if any, is for an Event.
//
// Worked example (TestMapGuide): the guide's manifest, target {Value, '1'}, gives
// threshold "1" with metricType AverageValue, so that a sum of 3 running requests
// asks for ceil(3 ÷ 1) = 3 replicas.
func Map(s *InferenceService) (so *ScaledObject, warning string, err error) {
	lo, hi, warning := Bounds(s.Spec.Predictor.Component)
	for _, check := range []func() *Refusal{
		func() *Refusal { return refuseService(s) },
		func() *Refusal { return refuseBounds(s.Spec.Predictor.Component, lo, hi) },
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
	so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = Behavior(s.Spec.Predictor.AutoScaling.Behavior)
	switch onlyResources := !hasQuery(triggers); {
	case onlyResources && lo == 0:
		return nil, "", refuse(AboutWake, "spec.predictor.minReplicas", "set it to 1, or add an External metric", NoWake)
	case !onlyResources && lo > 0: // from 0 any fallback either wakes the service or scales it in
		so.Spec.Fallback = &Fallback{FailureThreshold: 3, Replicas: lo, Behavior: "currentReplicasIfHigher"}
	}
	return so, warning, nil
}

func newScaledObject(s *InferenceService) *ScaledObject {
	so := &ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: PredictorName(s.Name), Namespace: s.Namespace,
		Labels: map[string]string{ManagedByLabel: Manager, ServiceLabel: s.Name},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: InferenceServiceKind.GroupVersion().String(), Kind: InferenceServiceKind.Kind,
			Name: s.Name, UID: s.UID, Controller: new(true), BlockOwnerDeletion: new(false),
		}},
	}}
	so.APIVersion, so.Kind = ScaledObjectKind.ToAPIVersionAndKind()
	return so
}

// refuseService looks for what no mapping of metrics can fix.
func refuseService(s *InferenceService) *Refusal {
	// KServe keeps the mode that it recorded first, whatever the annotation says later.
	switch mode := cmp.Or(s.Status.DeploymentMode, s.Annotations[ModeAnnotation]); {
	case !HasDeployment(mode):
		return refuse(AboutService, ModeField, "create the service with RawDeployment (now called Standard)", "mode %q has no Deployment to scale", mode)
	case len(s.Spec.Predictor.WorkerSpec) > 0:
		return refuse(AboutService, "spec.predictor.workerSpec", "KServe demands autoscalerClass none for it: remove workerSpec, or set the class to none",
			"a multi-node service cannot be scaled by replicas")
	case s.Spec.Transformer != nil && s.Spec.Transformer.AutoScaling != nil:
		return refuse(AboutService, "spec.transformer.autoScaling", "remove it", "only the predictor is scaled")
	case s.Spec.Explainer != nil && s.Spec.Explainer.AutoScaling != nil:
		return refuse(AboutService, "spec.explainer.autoScaling", "remove it", "only the predictor is scaled")
	case !HasMetrics(s):
		return refuse(AboutService, MetricsField, "add a metric as the guide shows", "class external needs at least one metric")
	case len(s.Name) > maxServiceName:
		return refuse(AboutName, "metadata.name", fmt.Sprintf("use at most %d characters", maxServiceName),
			"its %d characters make KEDA's name keda-hpa-%s longer than 63", len(s.Name), PredictorName(s.Name))
	}
	return nil
}

func refuseBounds(c Component, lo, hi int32) *Refusal {
	switch {
	case lo < 0:
		return refuse(AboutBounds, "spec.predictor.minReplicas", "set it to 0 or more", "%d is negative", lo)
	case hi < 0:
		return refuse(AboutBounds, "spec.predictor.maxReplicas", "set it to 1 or more", "%d is negative", c.MaxReplicas)
	case hi < lo:
		return refuse(AboutBounds, "spec.predictor.maxReplicas", fmt.Sprintf("set it to %d or more, or lower minReplicas", lo),
			"maxReplicas %d is below minReplicas %d", hi, lo)
	}
	return nil
}

// Behavior is the user's, with the windows written out where they are unset:
// up at once, down over 300 s.
func Behavior(given *autoscalingv2.HorizontalPodAutoscalerBehavior) *autoscalingv2.HorizontalPodAutoscalerBehavior {
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
