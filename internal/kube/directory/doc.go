// Package directory tells a gateway which services and pods there are, whenever that
// changes.
//
// INV-1: a pod that is about to go is left out as soon as the API server says so.
// INV-2: a gateway is told nothing before everything is known.
//
// It deliberately does not know what a gateway does with it.
package directory
