// Package lab is the commands of the local cluster and of what runs on it: lab, up, down,
// rehearse, load and vllmsim.
//
// INV-1: a rehearsal's exit code is 1 only if the step failed that the script names.
//
// It deliberately starts no cluster but the one that it is asked for, and takes none for a
// rehearsal that nobody named.
package lab
