// Package input is what files and names on a command line stand for: manifests, workloads,
// profiles and laws.
//
// INV-1: what is too large to be what it should is refused before it is read to its end.
//
// It deliberately runs nothing of what it reads.
package input
