package webtest

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/web"
)

// Objectives are those of all services that promise something.
const Objectives = "ttft:p90:3s, tpot:p90:100ms"

// promised has objectives scale a service in place of metrics. Of three one after the other the
// first is an InferenceService with an InferenceAutoscaler, the second a Deployment, and the
// third states an objective that there is not.
func promised(l *web.Look, s explain.Snapshot, n int) {
	name, namespace := s.InferenceService.Name, s.InferenceService.Namespace
	so := s.ScaledObject
	so.OwnerReferences, so.Spec.ScaleTargetRef.Name = nil, kserve.PredictorName(name)
	so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = new(int32(1)), new(int32(most))
	so.Spec.Triggers = []kserve.Trigger{{Type: objective.Push, Metadata: map[string]string{objective.AddressKey: "flyball-scaler.flyball-system:9443", objective.Key: Objectives}}}
	stated := autoscaler.Stated{
		ScaledObject: so, Workload: autoscaler.Scaled(so),
		Scale: &autoscaler.Scale{ObjectMeta: s.Deployment.ObjectMeta, Current: s.Deployment.Status.Replicas, Desired: *s.Deployment.Spec.Replicas, Ready: s.Deployment.Status.ReadyReplicas},
	}
	stated.Scale.Labels = map[string]string{kserve.ServiceLabel: name}
	s.InferenceService.Spec.Predictor.AutoScaling = nil
	switch n % 3 {
	case 0:
		stated.By = stating(namespace, name, *s.Deployment.Spec.Replicas)
		l.Services = append(l.Services, s)
	case 1:
		plain(&stated, s, name)
	default:
		so.Spec.Triggers[0].Metadata[objective.Key] = "tfft:p90:3s"
		stated.Refused = &autoscaler.Refusal{Cause: autoscaler.Wrong, Reason: "InvalidObjectives", Text: `spec.triggers[0].metadata.objectives: "tfft" cannot be promised; did you mean ttft?`}
		plain(&stated, s, name)
	}
	l.Stated = append(l.Stated, stated)
}

// plain has objectives be those of a Deployment.
func plain(stated *autoscaler.Stated, s explain.Snapshot, name string) {
	s.Deployment.Name, stated.ScaledObject.Spec.ScaleTargetRef.Name, stated.Name = name, name, name
	stated.Scale.Labels, stated.Seen = nil, s
	for i := range s.Pods {
		s.Pods[i].Labels = nil
	}
}

func stating(namespace, name string, desired int32) *v1alpha1.InferenceAutoscaler {
	a := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name + "-promise", UID: types.UID(name)}}
	a.Spec = v1alpha1.Spec{
		TargetRef: v1alpha1.TargetRef{Kind: kserve.InferenceServiceKind.Kind, Name: name}, Replicas: v1alpha1.Replicas{Min: new(int32(1)), Max: most},
		Objectives: []v1alpha1.Objective{{Metric: v1alpha1.TTFT, Quantile: .9, Target: "3s"}, {Metric: v1alpha1.TPOT, Quantile: .9, Target: "100ms"}},
		Engine:     v1alpha1.KEDA,
	}
	a.Status = v1alpha1.Status{DesiredReplicas: new(desired), Conditions: []metav1.Condition{{
		Type: v1alpha1.Ready, Status: metav1.ConditionTrue, Reason: "Following", Message: "the replicas follow what the promise needs",
	}}}
	return a
}

// kept is what a service keeps: one of three does not keep 90 %.
func kept(n int) web.Kept {
	ttft := .98 - .05*float64(n%3)
	return web.Kept{Each: []float64{ttft, .99}, All: ttft * .99}
}

// Keep is what a Prometheus would have counted of all in the last time.
func (w World) Keep(_ context.Context, all []web.Subject, _ time.Duration) ([]web.Kept, error) {
	out := make([]web.Kept, len(all))
	for i, s := range all {
		out[i] = kept(w.number(s.Service))
	}
	return out, nil
}
