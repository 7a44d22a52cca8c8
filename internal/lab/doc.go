// Package lab runs the local cluster: the real control plane as supervised
// processes, and everything else as pods of simulated nodes.
//
// INV-1: Up leaves nothing running when it fails; Stop stops in reverse order
// of starting and returns when every process has gone.
// INV-2: a lab writes below its own directory and one lock file, and listens
// only in the 127.A.0.0/16 that the lock claims (webhook servers that take no
// address excepted: they bind a free port).
// INV-3: no pod runs as admin: each gets the token of its own ServiceAccount.
// INV-4: a lab starts empty; nothing of an earlier run is taken over.
//
// It deliberately does not know what Flyball decides, nor that examples exist.
package lab
