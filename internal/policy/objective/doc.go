// Package objective reads a KEDA trigger, or an InferenceAutoscaler, that states objectives in
// place of a threshold, and makes of it the policy that keeps them.
//
//	type: external-push
//	metadata: {scalerAddress: flyball-scaler.flyball-system:9443, objectives: "ttft:p90:3s, tpot:p90:100ms"}
//
// INV-1: what is refused is refused in the same words by the scaler, by lint and by simulate,
// with the key, what is wrong and how to fix it.
// INV-2: the same objectives in another order are the same promise, and what a promise is
// written as is read back as that promise.
// INV-3: so are bounds within which no promise is kept, a minimum of 0 that nothing wakes, and
// another autoscaler.
//
// It deliberately does not know what is scaled, nor what is in front of it.
package objective
