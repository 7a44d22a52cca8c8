// Package kube turns InferenceServices of autoscaler class "external" into
// ScaledObjects, and explains what scales and why.
//
// INV-1: one ScaledObject per service, applied by server-side apply under one
// field manager; a field that Flyball does not set belongs to whoever sets it.
// INV-2: nothing is created while another autoscaler acts on the same target.
// INV-3: a ScaledObject is deleted only with its UID as precondition, and only
// if it is Flyball's or that of a stopped service.
// INV-4: no Secret is read, and no InferenceService, Deployment or
// HorizontalPodAutoscaler is written.
// INV-5: a refused service keeps the ScaledObject that it has.
// INV-6: while a gateway holds requests for a service, its ScaledObject asks for the
// replicas that these need, at any minimum, and never for fewer than before but where no
// node takes them; what is raised stands in the ScaledObject alone, so that any part may
// restart.
// INV-7: what was raised is withdrawn once nothing has been held for demand.TTL, not
// within demand.TTL of a start of the controller, and not while no gateway reports.
// INV-8: GPUs of a wake that brings no ready pod are given back; a service with a ready
// pod is never scaled in by Flyball.
// INV-9: a healthy service causes no write, no request past the watches and no walk
// through a namespace.
// INV-10: whichever replica leads, dead or alive, what is held is asked for within 3 s, as
// long as one replica hears of it; all else is the leader's alone.
//
// It deliberately does not know how replicas are computed: KEDA and the HPA do.
package kube
