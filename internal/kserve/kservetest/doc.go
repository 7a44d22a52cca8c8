// Package kservetest holds the guide's InferenceService, from which tests make others.
//
// INV-1: a replacement that changes nothing is an error.
//
// It deliberately does not know package kserve, whose own tests use it.
package kservetest
