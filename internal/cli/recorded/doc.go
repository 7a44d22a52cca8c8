// Package recorded has the commands that read a record of decisions: flyball why and
// flyball replay.
//
// INV-1: what of a record cannot be read is said on stderr, and the rest is told.
//
// It deliberately computes nothing of what it prints.
package recorded
