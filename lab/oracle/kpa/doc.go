// Package kpa runs the autoscaler of Knative Serving, unmodified, against made-up
// revisions and writes down what it decided. internal/law replays it.
//
// Everything is in its test: the autoscaler is made in a testing/synctest bubble,
// where the time it reads is that of its ticks.
package kpa
