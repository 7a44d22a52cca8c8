// Package survey reads what the live page shows of a cluster, as far as its reader may.
//
// INV-1: what may not be read is left out and named, with the right that shows it; it is
// never taken for what does not exist.
// INV-2: a survey is a fixed number of lists, however many services there are.
//
// It deliberately does not know what is drawn of it, nor how often it is made.
package survey
