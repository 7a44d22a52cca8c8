// Package des is the clock of a discrete-event simulation: a queue of events in the
// order in which they happen, and streams of random numbers that are found by name.
//
// INV-1: events leave the queue ordered by time, then priority, then the order in
// which they were pushed: nothing else decides, so that the same pushes pop alike.
// INV-2: time never goes back: an event pushed for a time that is past is due now.
// INV-3: a stream is a function of seed and name alone: whether other streams exist,
// and how much was drawn from them, changes nothing in it.
//
// It deliberately knows nothing of what an event is or does.
package des
