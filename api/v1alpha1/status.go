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

	// The ScaledObject that Flyball has made, with the engine keda.
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

	// With the engine advise: what ran, compared with what Flyball advised meanwhile.
	// +optional
	Advice *Advice `json:"advice,omitempty"`
}

// Advice compares what ran with what Flyball advised meanwhile. The requests are those that the
// replicas that ran have served, and each number was advised from how those fared: what fewer
// replicas would have attained is not known from it. It is written again once it is a quarter
// longer, or an hour.
type Advice struct {
	// When the comparison begins: seven days before today, in UTC, at the earliest. It begins
	// anew with another target, and with other objectives.
	// +required
	Since metav1.Time `json:"since"`

	// For how many hours both are known. While Flyball learns what a replica can serve, and
	// while it does not run, it advises nothing, and that time counts nowhere.
	// +required
	Hours string `json:"hours"`

	// The replicas that ran, times the hours that they did. Times the GPUs of a replica it is
	// GPU-hours. Those without a node are left out, and those that were told to go.
	// +required
	RanReplicaHours string `json:"ranReplicaHours"`

	// The replicas that were advised, times the hours for which they were.
	// +required
	AdvisedReplicaHours string `json:"advisedReplicaHours"`

	// The share of the requests, in per cent, that met all objectives with the replicas that
	// ran, as far as vLLM's histograms tell. It is empty where there were none.
	// +optional
	Attained string `json:"attained,omitempty"`

	// While more replicas ran than were advised.
	// +required
	MoreRan AdvicePart `json:"moreRan"`

	// While as many ran as were advised.
	// +required
	AsManyRan AdvicePart `json:"asManyRan"`

	// While fewer ran than were advised.
	// +required
	FewerRan AdvicePart `json:"fewerRan"`
}

// AdvicePart is a part of the time that is compared.
type AdvicePart struct {
	// Its share of that time, in per cent.
	// +required
	Time string `json:"time"`

	// The share of the requests in it, in per cent, that met all objectives with the replicas
	// that ran. It is empty where there were none.
	// +optional
	Attained string `json:"attained,omitempty"`
}

// The types of conditions.
const (
	Ready            = "Ready"
	Learning         = "Learning"
	MetricsAvailable = "MetricsAvailable"
	ScalingLimited   = "ScalingLimited"
	Conflict         = "Conflict"
)
