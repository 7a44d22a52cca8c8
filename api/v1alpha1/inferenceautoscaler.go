package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// InferenceAutoscaler keeps a promised latency of an LLM service with as few replicas as do:
// so many of its requests get their first token, and each further one, within the times that
// are stated. Its namespace needs the label flyball.dev/objectives=enabled.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=inferenceautoscalers,shortName=ias,categories=flyball
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:printcolumn:name="Engine",type=string,JSONPath=`.spec.engine`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.status.minReplicas`
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.status.maxReplicas`
// +kubebuilder:printcolumn:name="Ready",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredReplicas`
// +kubebuilder:printcolumn:name="Promised",type=string,JSONPath=`.status.promised`
// +kubebuilder:printcolumn:name="Expected",type=string,JSONPath=`.status.expected`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 54",message="metadata.name: use at most 54 characters, or the name of KEDA's HPA, keda-hpa-NAME, is too long"
type InferenceAutoscaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is scaled, within which bounds, and what is promised.
	// +required
	Spec Spec `json:"spec"`

	// What Flyball has made of it. It is written by Flyball only.
	// +optional
	Status Status `json:"status,omitzero"`
}

// InferenceAutoscalerList is a list of InferenceAutoscalers.
//
// +kubebuilder:object:root=true
type InferenceAutoscalerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InferenceAutoscaler `json:"items"`
}

// Spec is what a user states.
//
// +kubebuilder:validation:XValidation:rule="self.replicas.min > 0 || self.targetRef.kind == 'InferenceService'",message="replicas.min: at 0 nothing wakes a Deployment or a StatefulSet, which no gateway sends requests to; set it to 1 or more, or name an InferenceService"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.targetRef.kind == 'InferenceService' || self.schedules.all(s, !has(s.min) || s.min > 0)",message="schedules: at a min of 0 nothing wakes a Deployment or a StatefulSet, which no gateway sends requests to; set it to 1 or more, or name an InferenceService"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.schedules.all(s, (has(s.max) ? s.max : self.replicas.max) >= (has(s.min) ? s.min : self.replicas.min))",message="schedules: a max is below the min; what a schedule does not set is that of replicas"
type Spec struct {
	// The workload that is scaled, in the namespace of the InferenceAutoscaler. One
	// InferenceAutoscaler, and no other autoscaler, may name it, beside any number of those
	// whose engine is advise.
	// +required
	TargetRef TargetRef `json:"targetRef"`

	// The bounds of the number of replicas.
	// +required
	Replicas Replicas `json:"replicas"`

	// Hours in which other bounds are in force. Where schedules overlap, the greatest min and
	// the greatest max of them count.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Schedules []Schedule `json:"schedules,omitempty"`

	// What is promised. A request counts as good when it meets all objectives. Each metric may
	// be stated once, and all have one quantile: a service has one promise.
	// +required
	// +listType=map
	// +listMapKey=metric
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="self.all(o, o.quantile == self[0].quantile)",message="objectives promise different shares of the requests: a service has one, that of the requests that meet all; give all one quantile"
	Objectives []Objective `json:"objectives"`

	// What carries out the number of replicas that Flyball decides on. keda: Flyball owns a
	// ScaledObject of the same name, and KEDA and its HPA scale. native: Flyball writes the scale
	// subresource of the workload itself, as soon as another number is decided, and needs no KEDA;
	// flyball-scaler has the right to do so only where an administrator has added the role, and
	// whatever else scales the workload has to be removed first. advise: nothing does. Flyball
	// decides, records and writes the status, and changes nothing, whatever else scales the
	// workload. With another engine it goes on with what it has learned.
	// +optional
	// +kubebuilder:default=keda
	Engine Engine `json:"engine,omitempty"`
}

// TargetRef names a workload.
//
// +kubebuilder:validation:XValidation:rule="self.kind == 'InferenceService' ? self.apiVersion == 'serving.kserve.io/v1beta1' : self.apiVersion == 'apps/v1'",message="apiVersion: it is serving.kserve.io/v1beta1 of an InferenceService, and apps/v1 of a Deployment or a StatefulSet"
type TargetRef struct {
	// The version of the workload's API: serving.kserve.io/v1beta1 or apps/v1.
	// +required
	// +kubebuilder:validation:MaxLength=63
	APIVersion string `json:"apiVersion"`

	// The kind of the workload: InferenceService, Deployment or StatefulSet. An
	// InferenceService has to be of the autoscaler class external and without
	// spec.predictor.autoScaling.metrics, unless the engine is advise; its predictor is scaled.
	// +required
	// +kubebuilder:validation:Enum=InferenceService;Deployment;StatefulSet
	Kind string `json:"kind"`

	// The name of the workload.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// Replicas are bounds.
//
// +kubebuilder:validation:XValidation:rule="self.max >= self.min",message="max: it is below min"
type Replicas struct {
	// The least number of replicas, also without any request. 0 lets the service sleep, which
	// Flyball's gateway wakes: it is for an InferenceService behind the gateway only.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	Min *int32 `json:"min,omitempty"`

	// The greatest number of replicas, also where it does not keep the promise.
	// +required
	// +kubebuilder:validation:Minimum=1
	Max int32 `json:"max"`
}

// Least is the minimum: the default where none is given, as the API server sets it.
func (r Replicas) Least() int32 {
	if r.Min == nil {
		return 1
	}
	return *r.Min
}

// Schedule is hours with other bounds.
//
// +kubebuilder:validation:XValidation:rule="has(self.min) || has(self.max)",message="it changes nothing; give min or max"
type Schedule struct {
	// A name, of which status and Events speak.
	// +required
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// When it begins, as a cron expression: minute, hour, day of the month, month and day of the
	// week. "0 8 * * 1-5" is from Monday to Friday at 8:00. Replicas that are to be ready by
	// then take a cold start: begin that much earlier.
	// +required
	// +kubebuilder:validation:MaxLength=100
	Start string `json:"start"`

	// When it ends, likewise. It is in force from each start until the end that follows.
	// +required
	// +kubebuilder:validation:MaxLength=100
	End string `json:"end"`

	// The time zone of both, by its name in the IANA database, such as Europe/Berlin.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// The least number of replicas in these hours. Unset, it is replicas.min.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Min *int32 `json:"min,omitempty"`

	// The greatest number of replicas in these hours. Unset, it is replicas.max.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Max *int32 `json:"max,omitempty"`
}

// Objective is a latency that a share of the requests is to keep.
type Objective struct {
	// What is measured. ttft: from the arrival of a request to its first token. tpot: the mean
	// time of each further token.
	// +required
	Metric Metric `json:"metric"`

	// The share of the requests that is to meet all objectives, above 0 and below 1: 0.9 for
	// nine of ten.
	// +required
	// +kubebuilder:validation:XValidation:rule="self > 0.0 && self < 1.0",message="it is a share of the requests, above 0 and below 1, as 0.9 for nine of ten; no number of replicas keeps a promise to all"
	Quantile float64 `json:"quantile"`

	// The time within which it is to be: a number with a unit, as 3s, 1.5s or 100ms.
	// +required
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) > duration('0s')",message="it is a time above 0 with its unit, as 3s, 1.5s or 100ms"
	Target string `json:"target"`
}

// Metric is a latency of a request.
//
// +kubebuilder:validation:Enum=ttft;tpot
type Metric string

// The metrics.
const (
	TTFT Metric = "ttft"
	TPOT Metric = "tpot"
)

// Engine is what scales.
//
// +kubebuilder:validation:Enum=keda;native;advise
type Engine string

// The engines.
const (
	KEDA   Engine = "keda"   // scales by a ScaledObject that Flyball owns
	Native Engine = "native" // Flyball writes the scale subresource itself
	Advise Engine = "advise" // changes nothing
)
