package kserve

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds of KServe and KEDA that Flyball reads. Their Go modules are not
// imported (docs/design/0001-the-lab.md); objects travel as unstructured ones
// and are decoded into the structs below, which hold only the fields in use.
var (
	InferenceServiceKind      = schema.GroupVersionKind{Group: "serving.kserve.io", Version: "v1beta1", Kind: "InferenceService"}
	ScaledObjectKind          = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
	TriggerAuthenticationKind = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "TriggerAuthentication"}
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
