// Package leave decides how a pod leaves: it gives new pods what they lack to end without
// loss (internal/lossless), and sets the order in which the pods of a service go.
//
// INV-1: of a pod only the deletion cost is written, only when the order in which the
// pods of a service should leave has changed, and a bounded number in each period.
// INV-2: no cost is written unless an admission policy is there that leaves the running
// account nothing else of the right to patch pods.
//
// It deliberately does not know when a pod is to leave: KEDA and the HPA do.
package leave
