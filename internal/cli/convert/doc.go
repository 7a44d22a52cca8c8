// Package convert is the command flyball convert: it reads a service in guide mode, and prints
// what states a latency for it instead, what a simulation says of either, and the way back.
//
// INV-1: nothing is changed, in the cluster or in a file.
//
// It deliberately computes nothing of what it prints.
package convert
