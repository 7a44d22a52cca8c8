package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Status is what Flyball has made of an InferenceAutoscaler.
type Status struct {
	// The generation of the spec that this is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// How it is. Ready: the number of replicas is decided on and, unless the engine is advise,
	// carried out. Learning: what a replica can serve is not known yet, and what there is stays.
	// MetricsAvailable: Prometheus has told of all pods that are ready. ScalingLimited: a bound
	// keeps the number from what the promise needs, or no number keeps it. Conflict: another
	// autoscaler has the target.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The ScaledObject that Flyball has made.
	// +optional
	ScaledObject string `json:"scaledObject,omitempty"`

	// The least number of replicas in force: replicas.min, or that of a schedule.
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// The greatest number of replicas in force: replicas.max, or that of a schedule.
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`

	// How many replicas are ready.
	// +optional
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// How many replicas Flyball asks for, or would ask for where the engine is advise.
	// +optional
	DesiredReplicas *int32 `json:"desiredReplicas,omitempty"`

	// The share of the requests that is promised to meet all objectives, in per cent.
	// +optional
	Promised string `json:"promised,omitempty"`

	// The share of the requests that is expected to meet all objectives with the desired
	// replicas, in per cent. It is empty where it is not known. A change by less than two
	// points that does not cross what is promised is not written.
	// +optional
	Expected string `json:"expected,omitempty"`
}

// The types of conditions.
const (
	Ready            = "Ready"
	Learning         = "Learning"
	MetricsAvailable = "MetricsAvailable"
	ScalingLimited   = "ScalingLimited"
	Conflict         = "Conflict"
)
