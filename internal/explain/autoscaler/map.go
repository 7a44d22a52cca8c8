package autoscaler

import (
	"regexp"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

// Manager is the field manager of the ScaledObjects, and the value of their managed-by label.
// It is another one than guide mode's, which removes ScaledObjects that have its own.
const Manager = config.Scaler

// A Workload is what is scaled in the end.
type Workload struct{ Kind, Name string }

func (w Workload) String() string { return w.Kind + "/" + w.Name }

// ParseWorkload reads what String wrote.
func ParseWorkload(text string) Workload {
	kind, name, _ := strings.Cut(text, "/")
	return Workload{kind, name}
}

// Pods is a regular expression of the names that Kubernetes' controllers give its pods.
//
// Worked example (TestPods): plain-7d9f8c5b4-x2x4z is of Deployment plain, and plain-0 of
// StatefulSet plain.
func (w Workload) Pods() string {
	name := regexp.QuoteMeta(w.Name)
	if w.Kind == "StatefulSet" {
		return name + "-[0-9]+"
	}
	return name + "-[a-z0-9]+-[a-z0-9]{5}"
}

// WorkloadOf is that of a reference: of an InferenceService its predictor.
func WorkloadOf(ref v1alpha1.TargetRef) Workload {
	if ref.Kind == kserve.InferenceServiceKind.Kind {
		return Workload{"Deployment", kserve.PredictorName(ref.Name)}
	}
	return Workload{ref.Kind, ref.Name}
}

// Map is the ScaledObject that an InferenceAutoscaler asks for within bounds, whose trigger is
// answered at an address.
//
// Worked example (TestMap): ttft and tpot with the quantile 0.9 and the targets 3s and 100ms on
// InferenceService llama become the trigger "ttft:p90:3s, tpot:p90:100ms" on Deployment
// llama-predictor.
func Map(a *v1alpha1.InferenceAutoscaler, b Bounds, address string) (*kserve.ScaledObject, *objective.Refusal) {
	trigger := kserve.Trigger{
		Type:              objective.Push,
		Metadata:          map[string]string{objective.AddressKey: address, objective.Key: strings.Join(promise(a.Spec.Objectives), ", ")},
		AuthenticationRef: &kserve.AuthenticationRef{Name: config.Authentication, Kind: "ClusterTriggerAuthentication"},
	}
	if _, refused := objective.Read(trigger.Metadata); refused != nil {
		return nil, refused
	}
	w := WorkloadOf(a.Spec.TargetRef)
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

// promise is what objectives are in the trigger's words. What cannot be read is left as it
// is, to be refused with the rest.
func promise(all []v1alpha1.Objective) []string {
	texts := make([]string, len(all))
	for i, o := range all {
		said := score.Objective{Quantile: o.Quantile}
		for _, m := range []score.Metric{score.TTFT, score.TPOT} {
			if m.String() == string(o.Metric) {
				said.Metric = m
			}
		}
		if d, err := time.ParseDuration(o.Target); err == nil {
			said.Target = d
		}
		texts[i] = said.String()
	}
	return texts
}
