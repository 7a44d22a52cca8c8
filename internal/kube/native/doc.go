// Package native writes what was decided for InferenceAutoscalers of the engine native to the
// scale subresource of their workloads: at once when another number is decided, and at each tick
// what could not be written before.
//
// INV-1: a scale is written for what is ordered alone, and of no other workload than that with
// the UID for which it was decided.
// INV-2: a decision that is too old, or outside the bounds in force, is not written.
// INV-3: what stands there already is not written, and where the number has changed since the
// decision, none is lowered that was to be kept or raised, nor raised that was to be lowered.
// INV-4: what another one writes between reading a scale and writing it is not undone. That, as
// every error, is kept for the status, and what is decided then is tried at the next tick.
// INV-5: each number that is written is one Event, with its reasons.
//
// It deliberately does not know how a number is decided, nor who may have it written.
package native
