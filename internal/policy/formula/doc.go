// Package formula reads the formula of KEDA's scalingModifiers as data.
//
// INV-1: what is read of a formula gives what KEDA's library makes of it, for any values.
//
// It deliberately does not know what a trigger's value means.
package formula
