// Package kserve holds what KServe's and KEDA's objects say: the fields of them that
// Flyball reads or applies, which autoscaler class and which bounds are in force, and
// the ScaledObject that a service of class external asks for.
//
// INV-1: a service is mapped to one ScaledObject or refused, and a refusal names the
// field and how to fix it.
// INV-2: every field here is one of the custom resources that the pinned KServe and
// KEDA ship; a field that is not here is never written.
//
// It deliberately does not know what is in a cluster, nor how replicas are computed.
package kserve
