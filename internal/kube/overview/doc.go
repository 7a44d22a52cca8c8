// Package overview reads a row for each service, whatever scales it: metrics, or objectives
// that an InferenceAutoscaler or a ScaledObject states.
//
// INV-1: what of objectives may not be read is named once, with what shows it, and the rest is
// told; a kind that is not installed hides nothing, and is not named.
// INV-2: a ScaledObject is refused here for what the scaler refuses it for, in its words.
// INV-3: an overview is a fixed number of lists, however many services there are.
// INV-4: a workload is told as one without objectives where something scales it, it runs vLLM, and
// nothing that could be read states objectives for it; where that cannot be read none is.
// INV-5: a workload of no InferenceService is explained by its own pods and HPA.
//
// It deliberately does not know what is decided: a ScaledObject has no status of Flyball's, and
// flyball why asks the scaler.
package overview
