package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is the InferenceAutoscaler's.
var Kind = schema.GroupVersionKind{Group: "flyball.dev", Version: "v1alpha1", Kind: "InferenceAutoscaler"}

// AddToScheme registers the kind.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(Kind.GroupVersion(), &InferenceAutoscaler{}, &InferenceAutoscalerList{})
	metav1.AddToGroupVersion(s, Kind.GroupVersion())
	return nil
}
