// Package lab is the commands of the local cluster and of what runs on it: lab, up, down,
// rehearse, load and vllmsim.
//
// INV-1: a rehearsal's exit code is 1 only if the step failed that the script names.
// INV-2: what a button of the lab's page does is undone, also where it fails or the lab ends.
//
// It deliberately starts no cluster but the one that it is asked for, and takes none for a
// rehearsal that nobody named.
package lab
