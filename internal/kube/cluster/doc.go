// Package cluster is the way to the API server: the client, and which custom resources
// are served there.
//
// INV-1: where the API server does not answer, what was last known of the custom
// resources holds.
//
// It deliberately does not know what the objects mean, nor who reads them.
package cluster
