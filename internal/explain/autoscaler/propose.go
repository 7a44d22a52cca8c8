package autoscaler

import (
	"cmp"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

// An Unstated is a workload that something scales, and for which nobody has stated objectives.
type Unstated struct {
	Namespace string
	Name      string // that its InferenceAutoscaler would have
	Target    v1alpha1.TargetRef
	By        string // what scales it
	Min, Max  int32  // as that has them
	Ready     int32
	Disabled  bool // objectives are not enabled in its namespace
}

// UnstatedService is an InferenceService that something scales, within the bounds of its row;
// false: nothing does.
func UnstatedService(s explain.Snapshot) (Unstated, bool) {
	row := explain.Rows([]explain.Snapshot{s})[0]
	u := Unstated{Namespace: row.Namespace, Min: row.Min, Max: row.Max}
	u.Target.APIVersion, u.Target.Kind = kserve.InferenceServiceKind.ToAPIVersionAndKind()
	u.Target.Name = row.Name
	switch row.Mode {
	case explain.ModeGuide:
		u.By = "guide mode"
	case explain.ModeKEDA, explain.ModeHPA:
		u.By = "KServe, by its autoscaler class " + row.Mode
	case explain.ModeExternal:
		return u.beside(s)
	}
	return u, u.By != ""
}

// beside is for a service of class external without metrics: whose autoscaler it has is seen.
func (u Unstated) beside(s explain.Snapshot) (Unstated, bool) {
	objects := s.Others
	if s.ScaledObject != nil {
		objects = append([]kserve.ScaledObject{*s.ScaledObject}, objects...)
	}
	for i := range objects {
		if objects[i].DeletionTimestamp == nil {
			return u.byScaledObject(&objects[i]), true
		}
	}
	if len(s.HPAs) == 0 {
		return u, false
	}
	return u.byHPA(&s.HPAs[0]), true
}

func (u Unstated) byScaledObject(so *kserve.ScaledObject) Unstated {
	u.By = kserve.ScaledObjectKind.Kind + " " + so.Name
	u.Min, u.Max = so.Bounds()
	return u
}

func (u Unstated) byHPA(h *autoscalingv2.HorizontalPodAutoscaler) Unstated {
	u.By = "HorizontalPodAutoscaler " + h.Name
	u.Min, u.Max = ptr.Deref(h.Spec.MinReplicas, 1), h.Spec.MaxReplicas
	return u
}

// UnstatedWorkload is a Deployment or a StatefulSet that a ScaledObject or, without one, an HPA
// scales.
func UnstatedWorkload(namespace string, w objective.Workload, so *kserve.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) Unstated {
	u := Unstated{Namespace: namespace, Target: v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: w.Kind, Name: w.Name}}
	if so != nil {
		return u.byScaledObject(so)
	}
	return u.byHPA(h)
}

// Call gives it its target's name, as far as a ScaledObject may have that, unless another one
// has it.
func (u *Unstated) Call(taken func(name string) bool) {
	cut := func(end string) string {
		return strings.TrimRight(u.Target.Name[:min(len(u.Target.Name), kserve.MaxScaledObjectName-len(end))], "-.") + end
	}
	u.Name = cut("")
	for i := 2; taken(u.Name); i++ {
		u.Name = cut(fmt.Sprintf("-%d", i))
	}
}

// Propose is an InferenceAutoscaler that only advises, within the bounds that there are. A
// minimum of 0 becomes 1 where nothing would wake the workload, which the API server refuses.
//
// Worked example (TestPropose): an HPA between 2 and 6 on Deployment vllm becomes an
// InferenceAutoscaler vllm on it, with replicas {min: 2, max: 6} and the engine advise.
func (u Unstated) Propose(objectives []score.Objective) *v1alpha1.InferenceAutoscaler {
	a := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: u.Namespace, Name: u.Name}}
	a.APIVersion, a.Kind = v1alpha1.Kind.ToAPIVersionAndKind()
	least := max(u.Min, 0)
	if u.Target.Kind != kserve.InferenceServiceKind.Kind {
		least = max(least, 1)
	}
	a.Spec = v1alpha1.Spec{
		TargetRef: u.Target, Replicas: v1alpha1.Replicas{Min: &least, Max: max(u.Max, least, 1)}, Engine: v1alpha1.Advise,
		Objectives: objectivesIn(objectives),
	}
	return a
}

// Row is of what is proposed for it.
func (u Unstated) Row(objectives []score.Objective) Row {
	return Row{
		Namespace: u.Namespace, Name: u.Name, Ready: &u.Ready, Manifest: u.Propose(objectives),
		Why: fmt.Sprintf("%s %s is scaled by %s, between %d and %d: an InferenceAutoscaler is proposed", u.Target.Kind, u.Target.Name, u.By, u.Min, u.Max),
	}
}

// Compare is by the target.
func (u Unstated) Compare(o Unstated) int {
	return cmp.Or(cmp.Compare(u.Namespace, o.Namespace), cmp.Compare(u.Target.Name, o.Target.Name), cmp.Compare(u.Target.Kind, o.Target.Kind))
}
