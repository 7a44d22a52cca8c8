// Package leave decides how a pod leaves: what it is given when it is made so that it ends
// without loss, and in which order the pods of a service go.
//
// INV-1: a pod is given what it lacks to end without loss, once, and nothing that its
// user chose is changed; hook and shutdown timeout fit its grace period.
// INV-2: of a pod only the deletion cost is written, only when the order in which the
// pods of a service should leave has changed, and a bounded number in each period.
//
// It deliberately does not know when a pod is to leave: KEDA and the HPA do.
package leave
