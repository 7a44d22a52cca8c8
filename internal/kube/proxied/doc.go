// Package proxied reads what pods of Flyball serve, through the API server and by the rights
// of whoever asks.
//
// INV-1: what one pod does not tell is said by its name, and what the others tell is told.
// INV-2: who may not ask is told which rights that takes; no other way is tried.
//
// It deliberately does not know what is read.
package proxied
