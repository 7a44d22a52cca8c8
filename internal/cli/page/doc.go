// Package page is flyball dashboard: the live page of a cluster, bound to what it asks.
//
// INV-1: what may not be read is a note with the right that shows it, and blinds the reasons
// that depend on it.
//
// It deliberately draws nothing and explains nothing: web does, and explain.
package page
