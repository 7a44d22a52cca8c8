package kserve

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Authentications are the TriggerAuthentications that the service's metrics name, each
// once.
func Authentications(s *InferenceService) []string {
	var names []string
	if s.Spec.Predictor.AutoScaling == nil {
		return nil
	}
	for _, m := range s.Spec.Predictor.AutoScaling.Metrics {
		if m.External == nil || m.External.AuthenticationRef == nil {
			continue
		}
		if name := m.External.AuthenticationRef.AuthenticationRef.Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// SecretsOf names the Secrets of a TriggerAuthentication, each once.
func SecretsOf(auth *unstructured.Unstructured) []string {
	refs, _, err := unstructured.NestedSlice(auth.Object, "spec", "secretTargetRef")
	if err != nil {
		return nil
	}
	var names []string
	for _, ref := range refs {
		m, ok := ref.(map[string]any)
		if !ok {
			continue
		}
		if name, ok := m["name"].(string); ok && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
