// Package keda is KEDA's ScaledObject: its own loop, its triggers, and the HPA that it
// makes.
//
// INV-1: a formula that KEDA's library evaluates has here the same result, or is not
// taken.
// INV-2: evaluating a formula ends, whatever it is and whatever it is given.
//
// It deliberately knows no expression language: the text of a formula is read
// elsewhere, and no PromQL: what a trigger reads is a signal.
package keda
