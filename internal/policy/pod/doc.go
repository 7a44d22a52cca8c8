// Package pod holds what manifests say of a replica's pod, put together as KServe does of a
// service and its runtime, and where each word of its command line is written.
//
// INV-1: each word of a container that is joined is found in the document that it is of.
//
// It deliberately does not know who asks, nor what of it is refused.
package pod
