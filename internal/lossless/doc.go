// Package lossless is what a pod of vLLM needs to end without loss, and what it lacks.
//
// INV-1: a pod is given what it lacks, once, and nothing that its user chose is changed;
// hook and shutdown timeout fit its grace period.
// INV-2: the hook that is given is read again as the drain that it is.
//
// It deliberately does not know who asks for it, nor when a pod is to leave.
package lossless
