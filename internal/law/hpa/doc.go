// Package hpa is the HorizontalPodAutoscaler of Kubernetes, and the relay by which it
// follows the number that another law publishes.
//
// INV-1: it decides as the real controller does (INV-5 of package law has the test); an
// edit of its configuration keeps its windows.
//
// It deliberately knows no metrics API: what a metric reads is a signal, or given to it.
package hpa
