// Package llmd is the autoscaling that llm-d documents: KEDA on what its router holds
// and has sent on, KEDA on tokens, and a band of the latency over its objective.
//
// INV-1: replicas that are warming up are credited: above the band the signal counts by the
// share of the fleet that is ready.
//
// It deliberately knows no predictor: the latencies are the router's, as measured.
package llmd
