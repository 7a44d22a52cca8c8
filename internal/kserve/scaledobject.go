package kserve

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
