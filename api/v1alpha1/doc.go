// Package v1alpha1 is the InferenceAutoscaler, by which a user states the latency that a
// service promises, and what Flyball says of it.
//
// INV-1: the custom resource in config/crd has the fields of these types, each described.
// INV-2: what no service could be scaled by is refused by the API server, at the field, with
// how to write it.
//
// It deliberately does not know how a promise is kept.
//
// +kubebuilder:object:generate=true
// +groupName=flyball.dev
package v1alpha1
