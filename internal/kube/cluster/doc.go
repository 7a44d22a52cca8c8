// Package cluster is the way to the API server: the client, which custom resources are
// served there, when they have been read, and how the objects of a service are found.
//
// INV-1: where the API server does not answer, what was last known of the custom
// resources holds.
//
// INV-2: without a cache objects are found as a cache finds them, and each kind is
// listed once, however many services there are.
//
// It deliberately does not know what the objects mean, nor who reads them.
package cluster
