// Package spec is how a law is asked for in text, as hpa:metric=waiting,target=5: its
// parameters with their defaults, and the reading of their values.
//
// INV-1: whatever of a text is not understood is an error that says what there is.
// INV-2: a parameter that is not set has the default that its Param shows.
//
// It deliberately knows no law: each describes itself by a Spec.
package spec
