package lint

import (
	"slices"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// autoscalerRules are about InferenceAutoscalers. They are refused in the words of the API server,
// or else of their status, but for what no manifest shows: whether the namespace has opted in, KEDA is installed and the
// target is there.
func autoscalerRules() []Rule {
	return []Rule{{
		ID: "autoscaler-refused", Severity: Error, Title: "an InferenceAutoscaler that Flyball does not carry out",
		Why: "Without a ScaledObject nothing scales its target by the objectives. The API server refuses it, or its condition Ready says why, and an Event.",
		Fix: "as each finding says",
	}}
}

// ofAutoscaler tells whether a refusal is Flyball's of an InferenceAutoscaler, and neither its
// schema's nor a simulation's.
func ofAutoscaler(r *policy.Refusal) bool {
	return r.Document.Kind == v1alpha1.Kind.Kind && r.Kind != policy.UnknownField && r.Kind != policy.WrongType && r.Kind != policy.Unsimulated
}

// autoscaled tells whether an InferenceAutoscaler scales a Deployment.
func (m *manifests) autoscaled(namespace, name string) bool {
	w := objective.Workload{Kind: objective.Deployment, Name: name}
	return slices.ContainsFunc(m.of(v1alpha1.Kind.Kind), func(d *manifest.Document) bool {
		var a v1alpha1.InferenceAutoscaler
		return d.Into(&a) == nil && a.Spec.Engine != v1alpha1.Advise && objective.WorkloadOf(a.Spec.TargetRef) == w && sameNamespace(d.Namespace, namespace)
	})
}
