// Package follow lets replicas that do not lead hand out what the one that leads has
// decided, so that all give one answer.
//
// INV-1: only who leads tells its decisions; a replica that has lost the lease does not.
// INV-2: a decision keeps its age, whatever the clocks of two nodes say.
// INV-3: while nobody leads, or who does cannot be reached, the last decisions stay, and
// grow older.
// INV-4: only a replica's certificate is heard, and believed.
// INV-5: a replica that is not ready to lead does not ask for the lease.
//
// It deliberately does not know what is decided, nor what a replica does with it.
package follow
