// Package snapshot reads what there is of a service.
//
// INV-1: the controller, flyball status and the gateways' directory read a service by one
// algorithm; they differ in the parts that they may see.
// INV-2: no reading from a cache walks through a namespace, unless a TriggerAuthentication
// that a service names is missing there.
//
// It deliberately does not know what a snapshot means: explain does.
package snapshot
