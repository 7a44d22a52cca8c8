package apply

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// undeclared is how the API server names a field that the schema of a custom resource lacks
// (sigs.k8s.io/structured-merge-diff/v6/typed).
var undeclared = regexp.MustCompile(`\.([A-Za-z0-9_.]+): field not declared in schema`)

// optional are the fields without which a ScaledObject does its work, and what goes with each:
// a fallback whose behavior is not known sets its replicas also where more are busy.
func optional() map[string]string {
	const behavior = "spec.advanced.horizontalPodAutoscalerConfig.behavior."
	return map[string]string{
		"spec.fallback.behavior":         "spec.fallback", // KEDA 2.18 has it
		behavior + "scaleUp.tolerance":   behavior + "scaleUp.tolerance",
		behavior + "scaleDown.tolerance": behavior + "scaleDown.tolerance",
	}
}

// leave takes out of an object what was refused for not being known; none: it was refused for
// something else.
func leave(o *unstructured.Unstructured, refused error) (left []string) {
	for _, found := range undeclared.FindAllStringSubmatch(refused.Error(), -1) {
		goes, ok := optional()[found[1]]
		path := strings.Split(goes, ".")
		if _, there, _ := unstructured.NestedFieldNoCopy(o.Object, path...); !ok || !there {
			return nil
		}
		unstructured.RemoveNestedField(o.Object, path...)
		left = append(left, found[1])
	}
	return left
}
