// Package policy says how the objects of manifests scale one service: the law that its
// cluster would have, the engine and the pods that it scales.
//
// INV-1: whatever scales otherwise in a cluster than it would in a simulation is refused
// with file, line and field, and how to fix it.
// INV-2: what was left out and why, and what was taken for granted, is said.
//
// It deliberately does not know what load comes, nor what a law decides.
package policy
