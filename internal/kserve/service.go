package kserve

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// InferenceService is serving.kserve.io/v1beta1.
type InferenceService struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              InferenceServiceSpec   `json:"spec"`
	Status            InferenceServiceStatus `json:"status"`
}

// InferenceServiceSpec has the components that may carry autoscaling.
type InferenceServiceSpec struct {
	Predictor   Predictor  `json:"predictor"`
	Transformer *Component `json:"transformer,omitempty"`
	Explainer   *Component `json:"explainer,omitempty"`
}

// Component is what a predictor, a transformer and an explainer have in common.
type Component struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	MinReplicas *int32            `json:"minReplicas,omitempty"`
	MaxReplicas int32             `json:"maxReplicas,omitempty"`
	AutoScaling *AutoScaling      `json:"autoScaling,omitempty"`

	ScaleTarget          *int32          `json:"scaleTarget,omitempty"` // of class hpa
	ScaleMetric          *string         `json:"scaleMetric,omitempty"`
	ContainerConcurrency *int64          `json:"containerConcurrency,omitempty"`
	CanaryTrafficPercent *int64          `json:"canaryTrafficPercent,omitempty"`
	Batcher              json.RawMessage `json:"batcher,omitempty"`
}

// Predictor is a component with its pods: a model that a runtime serves, or containers.
type Predictor struct {
	Component      `json:",inline"`
	corev1.PodSpec `json:",inline"`
	Model          *Model          `json:"model,omitempty"`
	WorkerSpec     json.RawMessage `json:"workerSpec,omitempty"`
}

// Model is what a runtime is asked to serve. The container's fields are put over those of
// the runtime's.
type Model struct {
	corev1.Container `json:",inline"`
	ModelFormat      struct {
		Name string `json:"name"`
	} `json:"modelFormat"`
	Runtime    string `json:"runtime,omitempty"`
	StorageURI string `json:"storageUri,omitempty"`
}

// ServingRuntime is serving.kserve.io/v1alpha1, of a namespace or of the cluster.
type ServingRuntime struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Containers            []corev1.Container `json:"containers"`
		SupportedModelFormats []struct {
			Name       string `json:"name"`
			AutoSelect bool   `json:"autoSelect,omitempty"`
		} `json:"supportedModelFormats,omitempty"`
		NodeSelector map[string]string `json:"nodeSelector,omitempty"`
		Disabled     bool              `json:"disabled,omitempty"`
		WorkerSpec   json.RawMessage   `json:"workerSpec,omitempty"`
	} `json:"spec"`
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
