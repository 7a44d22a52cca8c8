// Package access is how a command reaches a cluster, a Prometheus or the lab: by flags,
// by the environment, and by what flyball up left in this directory.
//
// INV-1: a password goes to the server that a flag names and to no other; it follows no
// redirect.
//
// It deliberately asks nothing of what it reaches.
package access
