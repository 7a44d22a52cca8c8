// Package manifest reads objects as kubectl takes them, knows where each of their fields
// stands, and checks them as an API server does: custom resources by the schemas that
// KServe, KEDA and Flyball ship, without their rules in CEL, Kubernetes' own kinds by their
// types.
//
// INV-1: an error names the file, the line, the object and the field, and how to fix it.
// INV-2: a field that does not exist is told, and the nearest one is named.
// INV-3: no input makes it fail otherwise than by an error, and what is made of an input
// is bounded.
//
// It deliberately does not know what a kind is for.
package manifest
