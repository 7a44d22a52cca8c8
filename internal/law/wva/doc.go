// Package wva is the workload variant autoscaler of llm-d: its analyzers, each behind
// the HPA that follows what it publishes.
//
// INV-1: what is learned stays within a hundredth and a hundred times its start, and brings
// the latencies back that it was learned from.
//
// It deliberately knows one kind of replica, so that the optimizer over costs has
// nothing to choose.
package wva
