// Package lawtest makes inputs for the tests of laws, and steps a law through time.
//
// INV-1: a Run steps a law at the times that it asks for itself, and what it has asked for is
// there at the next step.
//
// It deliberately has no expectations: a test states its own.
package lawtest
