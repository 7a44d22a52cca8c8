package kserve

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
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
