// Package expr reads off a PromQL expression what becomes of its answer when pods come and
// go: how many series it has, and whether its value grows with load and replicas.
//
// INV-1: what the form of an expression does not say is not claimed: many series only where
// labels may differ, growth only of what is vLLM's or a sum.
//
// It deliberately does not know what an autoscaler makes of the answer: that is the rules'.
package expr
