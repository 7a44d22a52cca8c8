package autoscaler

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

// A Conversion is a service in guide mode, and the same with objectives.
type Conversion struct {
	Today     []any    `json:"today"`     // manifests, as somebody would apply them
	Objective []any    `json:"objective"` // likewise
	Over      []string `json:"over"`      // commands that change over
	Back      []string `json:"back"`      // commands that bring today back
	File      string   `json:"-"`         // that a command applies: the manifests with objectives
}

// Convert replaces the metrics of an InferenceService in guide mode by an InferenceAutoscaler
// within the same bounds. One that is there already, and only advises, is handed over: the
// objectives are its own then, unless others are given.
//
// Worked example (TestConvert): the guide's service, between 1 and 8 replicas, loses
// spec.predictor.autoScaling, and InferenceAutoscaler llama has {min: 1, max: 8}.
func Convert(service *unstructured.Unstructured, all []v1alpha1.InferenceAutoscaler, given []score.Objective) (Conversion, error) {
	var guide kserve.InferenceService
	if err := kserve.Decode(service, &guide); err != nil {
		return Conversion{}, err
	}
	if err := guided(&guide); err != nil {
		return Conversion{}, err
	}
	now, taken := autoscalersOf(service, all)
	if now != nil && now.Spec.Engine != v1alpha1.Advise {
		return Conversion{}, hint.With(fmt.Errorf("InferenceAutoscaler %s states objectives for InferenceService %s already", now.Name, service.GetName()),
			"the metrics are all that is in its way: %s", objective.WithoutMetrics(&guide))
	}
	today := applied(service)
	metrics, _, _ := unstructured.NestedFieldNoCopy(today.Object, "spec", "predictor", "autoScaling")
	without := today.DeepCopy()
	unstructured.RemoveNestedField(without.Object, "spec", "predictor", "autoScaling")
	next := promising(&guide, now, taken, given)
	c := Conversion{
		Today: []any{today.Object}, Objective: []any{without.Object, next}, File: next.Name + "-objectives.yaml",
	}
	// Between the last two nothing scales the service, and its replicas stay.
	c.Over = []string{Enable(next.Namespace), objective.WithoutMetrics(&guide), hint.Command("kubectl", "apply", "-f", c.File)}
	back := hint.Command("kubectl", "delete", "inferenceautoscaler", next.Name, "-n", next.Namespace)
	if now != nil {
		c.Today = append(c.Today, now)
		var err error
		if back, err = patch("inferenceautoscaler", now, map[string]any{"engine": now.Spec.Engine, "objectives": now.Spec.Objectives}); err != nil {
			return c, err
		}
	}
	guided, err := patch("inferenceservice", today, map[string]any{"predictor": map[string]any{"autoScaling": metrics}})
	c.Back = []string{back, guided}
	return c, err
}

// guided refuses what guide mode does not scale.
func guided(s *kserve.InferenceService) error {
	switch class := kserve.Class(s); {
	case class != "external":
		return hint.With(fmt.Errorf("InferenceService %s is of autoscaler class %s, not in guide mode", s.Name, class),
			"flyball advise proposes an InferenceAutoscaler beside it, which changes nothing")
	case !kserve.HasMetrics(s):
		return hint.With(fmt.Errorf("InferenceService %s has no %s, so that it is not in guide mode", s.Name, kserve.MetricsField),
			"apply an InferenceAutoscaler for it: docs/objective.md")
	}
	_, _, err := kserve.Map(s)
	if refused, ok := errors.AsType[*kserve.Refusal](err); ok {
		return hint.With(fmt.Errorf("InferenceService %s is not scaled in guide mode: %s: %s", s.Name, refused.Field, refused.What), "%s", refused.Fix)
	}
	return err
}

// autoscalersOf are the InferenceAutoscaler of a service, nil if there is none, and the names
// that those of its namespace have. One that does not only advise comes first.
func autoscalersOf(service *unstructured.Unstructured, all []v1alpha1.InferenceAutoscaler) (own *v1alpha1.InferenceAutoscaler, taken map[string]bool) {
	taken = map[string]bool{}
	for i := range all {
		a := &all[i]
		if a.Namespace != service.GetNamespace() || a.DeletionTimestamp != nil {
			continue
		}
		taken[a.Name] = true
		if ref := a.Spec.TargetRef; ref.Kind != kserve.InferenceServiceKind.Kind || ref.Name != service.GetName() {
			continue
		}
		if own == nil || own.Spec.Engine == v1alpha1.Advise && a.Spec.Engine != v1alpha1.Advise {
			own = a
		}
	}
	if own == nil {
		return nil, taken
	}
	own = &v1alpha1.InferenceAutoscaler{TypeMeta: own.TypeMeta, ObjectMeta: written(own), Spec: *own.Spec.DeepCopy()}
	own.APIVersion, own.Kind = v1alpha1.Kind.ToAPIVersionAndKind()
	return own, taken
}

// promising is the InferenceAutoscaler that scales: the one that is there, or one within the
// bounds of guide mode.
func promising(guide *kserve.InferenceService, now *v1alpha1.InferenceAutoscaler, taken map[string]bool, given []score.Objective) *v1alpha1.InferenceAutoscaler {
	next := now.DeepCopy()
	switch {
	case next == nil:
		u := Unstated{Namespace: guide.Namespace}
		u.Target.APIVersion, u.Target.Kind = kserve.InferenceServiceKind.ToAPIVersionAndKind()
		u.Target.Name = guide.Name
		u.Min, u.Max, _ = kserve.Bounds(guide.Spec.Predictor.Component)
		u.Call(func(name string) bool { return taken[name] })
		if given == nil {
			given = score.Usual()
		}
		next = u.Propose(given)
	case given != nil:
		next.Spec.Objectives = objectivesIn(given)
	}
	next.Spec.Engine = v1alpha1.KEDA
	return next
}

// objectivesIn are those of a manifest.
func objectivesIn(given []score.Objective) []v1alpha1.Objective {
	var all []v1alpha1.Objective
	for _, o := range given {
		all = append(all, v1alpha1.Objective{Metric: v1alpha1.Metric(o.Metric.String()), Quantile: o.Quantile, Target: o.Target.String()})
	}
	return all
}

// applied is an object without what the API server has added to it.
func applied(o *unstructured.Unstructured) *unstructured.Unstructured {
	clean := &unstructured.Unstructured{Object: map[string]any{"spec": o.DeepCopy().Object["spec"]}}
	clean.SetGroupVersionKind(kserve.InferenceServiceKind)
	m := written(o)
	clean.SetName(m.Name)
	clean.SetNamespace(m.Namespace)
	clean.SetLabels(m.Labels)
	clean.SetAnnotations(m.Annotations)
	return clean
}

// written is what of an object's metadata somebody wrote.
func written(o metav1.Object) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: o.GetName(), Namespace: o.GetNamespace(), Labels: o.GetLabels(), Annotations: map[string]string{}}
	for name, value := range o.GetAnnotations() {
		if name != corev1.LastAppliedConfigAnnotation {
			m.Annotations[name] = value
		}
	}
	return m
}

// patch is the command that merges into an object's spec.
func patch(kind string, o metav1.Object, spec map[string]any) (string, error) {
	text, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return "", fmt.Errorf("writing the way back: %w", err)
	}
	return hint.Command("kubectl", "patch", kind, o.GetName(), "-n", o.GetNamespace(), "--type=merge", "-p", string(text)), nil
}
