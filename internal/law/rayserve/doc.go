// Package rayserve is Ray Serve's default autoscaling policy.
//
// INV-1: a decision for more or fewer acts only once it has lasted its delay.
//
// It deliberately counts time, where the original counts rounds of its loop.
package rayserve
