// Package hpa runs the HorizontalPodAutoscaler controller of Kubernetes, unmodified,
// against made-up services and writes down what it decided. internal/law replays it.
//
// Everything is in its test: the controller runs in a testing/synctest bubble, where
// an hour of syncs takes no time.
package hpa
