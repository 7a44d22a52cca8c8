// Package pulse tells whether what a program has begun comes to an end.
//
// INV-1: work that ends with its context is never stuck, however slow what it waits for is:
// its context ends first.
// INV-2: a program that has nothing to do is well.
//
// It deliberately does not know what the work is, nor what becomes of a program that is
// stuck: its liveness probe has it restarted.
package pulse
