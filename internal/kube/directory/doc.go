// Package directory tells a gateway which services and pods there are, whenever that
// changes.
//
// INV-1: a pod that is about to go is left out as soon as the API server says so.
// INV-2: a gateway is told nothing before everything is known.
// INV-3: while a kind that is served is not watched yet, one of it may scale a service; while it
// is not served, none does.
//
// It deliberately does not know what a gateway does with it.
package directory
