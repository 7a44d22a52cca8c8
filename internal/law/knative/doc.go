// Package knative is Knative's pod autoscaler.
//
// INV-1: it decides as the real autoscaler does (INV-5 of package law has the test).
//
// It deliberately knows no activator: what would hold requests is not here.
package knative
