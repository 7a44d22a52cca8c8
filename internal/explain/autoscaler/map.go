package autoscaler

import (
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// Manager is the field manager of the ScaledObjects, and the value of their managed-by label.
// It is another one than guide mode's, which removes ScaledObjects that have its own.
const Manager = config.Scaler

// Map is the ScaledObject that an InferenceAutoscaler asks for within bounds, whose trigger is
// answered at an address.
//
// Worked example (TestMap): ttft and tpot with the quantile 0.9 and the targets 3s and 100ms on
// InferenceService llama become the trigger "ttft:p90:3s, tpot:p90:100ms" on Deployment
// llama-predictor.
func Map(a *v1alpha1.InferenceAutoscaler, b Bounds, address string) (*kserve.ScaledObject, *objective.Refusal) {
	trigger := kserve.Trigger{
		Type:              objective.Push,
		Metadata:          map[string]string{objective.AddressKey: address, objective.Key: strings.Join(objective.Texts(a.Spec.Objectives), ", ")},
		AuthenticationRef: &kserve.AuthenticationRef{Name: config.Authentication, Kind: "ClusterTriggerAuthentication"},
	}
	if _, refused := objective.OfAutoscaler(a); refused != nil {
		return nil, refused
	}
	w := objective.WorkloadOf(a.Spec.TargetRef)
	so := &kserve.ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Name: a.Name, Namespace: a.Namespace, Labels: map[string]string{kserve.ManagedByLabel: Manager},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.Kind.GroupVersion().String(), Kind: v1alpha1.Kind.Kind,
			Name: a.Name, UID: a.UID, Controller: new(true), BlockOwnerDeletion: new(false),
		}},
	}}
	so.APIVersion, so.Kind = kserve.ScaledObjectKind.ToAPIVersionAndKind()
	so.Spec = kserve.ScaledObjectSpec{
		ScaleTargetRef:  kserve.ScaleTarget{APIVersion: "apps/v1", Kind: w.Kind, Name: w.Name},
		MinReplicaCount: new(b.Min), MaxReplicaCount: new(b.Max),
		Advanced: &kserve.Advanced{}, Triggers: []kserve.Trigger{trigger},
	}
	// The law waits as long as is good by itself.
	atOnce := func() *autoscalingv2.HPAScalingRules {
		return &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0)), Tolerance: new(resource.MustParse("0"))}
	}
	so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: atOnce(), ScaleDown: atOnce()}
	return so, nil
}
