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

// ScaledObjectSpec holds what Flyball applies, and what it reads of others' objects.
type ScaledObjectSpec struct {
	ScaleTargetRef        ScaleTarget `json:"scaleTargetRef"`
	PollingInterval       *int32      `json:"pollingInterval,omitempty"`
	InitialCooldownPeriod *int32      `json:"initialCooldownPeriod,omitempty"`
	CooldownPeriod        *int32      `json:"cooldownPeriod,omitempty"`
	IdleReplicaCount      *int32      `json:"idleReplicaCount,omitempty"`
	MinReplicaCount       *int32      `json:"minReplicaCount,omitempty"`
	MaxReplicaCount       *int32      `json:"maxReplicaCount,omitempty"`
	Fallback              *Fallback   `json:"fallback,omitempty"`
	Advanced              *Advanced   `json:"advanced,omitempty"`
	Triggers              []Trigger   `json:"triggers"`
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

// Advanced passes behaviour on to the HPA, and may make one metric of all triggers.
type Advanced struct {
	HorizontalPodAutoscalerConfig struct {
		Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
		Name     string                                         `json:"name,omitempty"`
	} `json:"horizontalPodAutoscalerConfig"`
	ScalingModifiers *ScalingModifiers `json:"scalingModifiers,omitempty"`
}

// ScalingModifiers are a formula over the triggers' names.
type ScalingModifiers struct {
	Formula          string `json:"formula,omitempty"`
	Target           string `json:"target,omitempty"`
	ActivationTarget string `json:"activationTarget,omitempty"`
	MetricType       string `json:"metricType,omitempty"`
}

// Trigger is one source of KEDA.
type Trigger struct {
	Type              string                         `json:"type"`
	Name              string                         `json:"name,omitempty"`
	Metadata          map[string]string              `json:"metadata"`
	MetricType        autoscalingv2.MetricTargetType `json:"metricType,omitempty"`
	UseCachedMetrics  bool                           `json:"useCachedMetrics,omitempty"`
	AuthenticationRef *AuthenticationRef             `json:"authenticationRef,omitempty"`
}

// AuthenticationRef names a TriggerAuthentication, of the namespace unless its kind says
// otherwise.
type AuthenticationRef struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
}

// ScaledObjectStatus is KEDA's word.
type ScaledObjectStatus struct {
	Conditions []Condition `json:"conditions,omitempty"`
	HPAName    string      `json:"hpaName,omitempty"`
}

// KEDA's bounds where a ScaledObject gives none.
const (
	defaultMinReplicas = 0
	defaultMaxReplicas = 100
)

// Bounds are the replica limits in force.
func (s *ScaledObject) Bounds() (lo, hi int32) {
	lo, hi = defaultMinReplicas, defaultMaxReplicas
	if s.Spec.MinReplicaCount != nil {
		lo = *s.Spec.MinReplicaCount
	}
	if s.Spec.MaxReplicaCount != nil {
		hi = *s.Spec.MaxReplicaCount
	}
	return lo, hi
}
