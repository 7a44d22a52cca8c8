package kserve

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and KEDAGroup are the API groups of KServe and of KEDA; KServe's labels and
// annotations begin with its own.
const (
	Group     = "serving.kserve.io"
	KEDAGroup = "keda.sh"
)

// Kinds of KServe and KEDA that Flyball reads. Their Go modules are not
// imported (docs/design/0001-the-lab.md); objects travel as unstructured ones
// and are decoded into the structs below, which hold only the fields in use.
var (
	InferenceServiceKind      = schema.GroupVersionKind{Group: Group, Version: "v1beta1", Kind: "InferenceService"}
	ScaledObjectKind          = schema.GroupVersionKind{Group: KEDAGroup, Version: "v1alpha1", Kind: "ScaledObject"}
	TriggerAuthenticationKind = schema.GroupVersionKind{Group: KEDAGroup, Version: "v1alpha1", Kind: "TriggerAuthentication"}
)

// Decode reads an unstructured object into one of the structs above.
func Decode(o *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
		return fmt.Errorf("reading %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

// Condition is KServe's and KEDA's, which lack fields of metav1.Condition.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// FindCondition finds a condition by its type.
func FindCondition(all []Condition, kind string) (Condition, bool) {
	for _, c := range all {
		if c.Type == kind {
			return c, true
		}
	}
	return Condition{}, false
}
