// Package notices makes Events of what is said about an object.
//
// INV-1: each fits what an Event holds.
// INV-2: what was among the last notices of an object is not said again.
// INV-3: who says something does not wait for it, and the API server is not asked for more Events
// than it has time for.
//
// It deliberately does not know what is worth saying.
package notices
