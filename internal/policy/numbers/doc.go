// Package numbers finds the targets by which an object scales: the one number that a user may
// try others of.
//
// INV-1: every target that decides is found, and none that a formula takes the place of.
//
// It deliberately does not know what a target means.
package numbers
