// Package e2e runs the real programs of bin/lab: the rehearsals of examples on a
// local cluster, the deletion of its pods under load, what it makes of the guide
// under loads that 'flyball validate' simulates, and the cluster's own start and end.
//
// INV-1: nothing is skipped: without bin/lab the tests fail.
//
// It deliberately imports nothing of Flyball; it uses the command as a user does.
package e2e
