// Package autoscalers keeps the ScaledObject that each InferenceAutoscaler asks for, and its
// status.
//
// INV-1: a ScaledObject is created only where the API server itself says that nothing else
// scales the workload, and belongs to its InferenceAutoscaler, with which it goes.
// INV-2: one that is refused keeps the ScaledObject that it has; none is deleted.
// INV-3: for one that only advises nothing is written but its status and Events, except that
// the ScaledObject it had is deleted, just that one; with every change of engine the service
// goes on with what was learned of it.
// INV-4: a status, and an Event, is written where it says something else than before.
// INV-5: a scale is ordered to be written only where the API server itself says that nothing
// else scales the workload, and that Flyball may; whatever else is said of it cancels that.
//
// It deliberately does not know how replicas are computed, nor who scales.
package autoscalers
