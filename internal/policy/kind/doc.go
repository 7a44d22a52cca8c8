// Package kind knows which kinds of objects say how a service scales, and which cannot.
//
// INV-1: what is neither read nor known to be harmless is named by none of the two.
//
// It deliberately does not know what an object says.
package kind
