package kube

import (
	"encoding/json"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Kinds of KServe and KEDA that Flyball reads. Their Go modules are not
// imported (docs/design/0001-the-lab.md); objects travel as unstructured ones
// and are decoded into the structs below, which hold only the fields in use.
var (
	InferenceServiceKind      = schema.GroupVersionKind{Group: "serving.kserve.io", Version: "v1beta1", Kind: "InferenceService"}
	ScaledObjectKind          = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
	TriggerAuthenticationKind = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "TriggerAuthentication"}
)

// InferenceService is serving.kserve.io/v1beta1.
type InferenceService struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              InferenceServiceSpec   `json:"spec"`
	Status            InferenceServiceStatus `json:"status"`
}

// InferenceServiceSpec has the components that may carry autoscaling.
type InferenceServiceSpec struct {
	Predictor   Component  `json:"predictor"`
	Transformer *Component `json:"transformer,omitempty"`
	Explainer   *Component `json:"explainer,omitempty"`
}

// Component is a predictor, a transformer or an explainer.
type Component struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	MinReplicas *int32            `json:"minReplicas,omitempty"`
	MaxReplicas int32             `json:"maxReplicas,omitempty"`
	AutoScaling *AutoScaling      `json:"autoScaling,omitempty"`
	WorkerSpec  json.RawMessage   `json:"workerSpec,omitempty"`
}

// AutoScaling is KServe's autoScaling block.
type AutoScaling struct {
	Metrics  []Metric                                       `json:"metrics,omitempty"`
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
}

// Metric is one item of autoScaling.metrics.
type Metric struct {
	Type     string          `json:"type"`
	Resource *ResourceMetric `json:"resource,omitempty"`
	External *ExternalMetric `json:"external,omitempty"`
}

// ResourceMetric scales on cpu or memory.
type ResourceMetric struct {
	Name   string `json:"name"`
	Target Target `json:"target"`
}

// ExternalMetric scales on a query.
type ExternalMetric struct {
	AuthenticationRef *struct {
		AuthModes         string `json:"authModes,omitempty"`
		AuthenticationRef struct {
			Name string `json:"name"`
		} `json:"authenticationRef"`
	} `json:"authenticationRef,omitempty"`
	Metric struct {
		Backend       string `json:"backend,omitempty"`
		ServerAddress string `json:"serverAddress,omitempty"`
		Query         string `json:"query,omitempty"`
		Namespace     string `json:"namespace,omitempty"`
	} `json:"metric"`
	Target Target `json:"target"`
}

// Target is a metric's target; Value and AverageValue are quantities.
type Target struct {
	Type               string              `json:"type,omitempty"`
	Value              *intstr.IntOrString `json:"value,omitempty"`
	AverageValue       *intstr.IntOrString `json:"averageValue,omitempty"`
	AverageUtilization *int32              `json:"averageUtilization,omitempty"`
}

// InferenceServiceStatus is KServe's word.
type InferenceServiceStatus struct {
	Conditions     []Condition `json:"conditions,omitempty"`
	DeploymentMode string      `json:"deploymentMode,omitempty"`
	URL            string      `json:"url,omitempty"`
	Address        Address     `json:"address,omitzero"`

	Components map[string]Address `json:"components,omitempty"`
}

// Address is where a service, or a component of it, can be called.
type Address struct {
	URL string `json:"url,omitempty"`
}

// Condition is KServe's and KEDA's, which lack fields of metav1.Condition.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// ScaledObject is keda.sh/v1alpha1.
type ScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ScaledObjectSpec   `json:"spec"`
	Status            ScaledObjectStatus `json:"status,omitzero"`
}

// ScaledObjectSpec holds what Flyball applies, and no more.
type ScaledObjectSpec struct {
	ScaleTargetRef  ScaleTarget `json:"scaleTargetRef"`
	MinReplicaCount *int32      `json:"minReplicaCount,omitempty"`
	MaxReplicaCount *int32      `json:"maxReplicaCount,omitempty"`
	Fallback        *Fallback   `json:"fallback,omitempty"`
	Advanced        *Advanced   `json:"advanced,omitempty"`
	Triggers        []Trigger   `json:"triggers"`
}

// ScaleTarget is the Deployment that is scaled.
type ScaleTarget struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name"`
}

// Fallback is what KEDA does after failed queries.
type Fallback struct {
	FailureThreshold int32  `json:"failureThreshold"`
	Replicas         int32  `json:"replicas"`
	Behavior         string `json:"behavior,omitempty"`
}

// Advanced passes behaviour on to the HPA.
type Advanced struct {
	HorizontalPodAutoscalerConfig struct {
		Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
	} `json:"horizontalPodAutoscalerConfig"`
}

// Trigger is one source of KEDA.
type Trigger struct {
	Type              string                         `json:"type"`
	Metadata          map[string]string              `json:"metadata"`
	MetricType        autoscalingv2.MetricTargetType `json:"metricType,omitempty"`
	AuthenticationRef *AuthenticationRef             `json:"authenticationRef,omitempty"`
}

// AuthenticationRef names a TriggerAuthentication.
type AuthenticationRef struct {
	Name string `json:"name"`
}

// ScaledObjectStatus is KEDA's word.
type ScaledObjectStatus struct {
	Conditions []Condition `json:"conditions,omitempty"`
	HPAName    string      `json:"hpaName,omitempty"`
}

// Decode reads an unstructured object into one of the structs above.
func Decode(o *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
		return fmt.Errorf("reading %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

// condition finds a condition by its type.
func condition(all []Condition, kind string) (Condition, bool) {
	for _, c := range all {
		if c.Type == kind {
			return c, true
		}
	}
	return Condition{}, false
}
