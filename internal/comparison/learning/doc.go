// Package learning plays services whose engines the law does not know, and writes how what it
// learns of them comes to what they are: what a replica serves, the share that misses by load,
// and how long a start takes.
//
// INV-1: the truth is the plant's own, by runs that the law has no part in.
//
// It deliberately tunes nothing: the law is as shipped.
package learning
