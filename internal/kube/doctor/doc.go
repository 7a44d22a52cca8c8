// Package doctor examines a cluster for what Flyball needs of it, and says how to fix
// what is wrong.
//
// INV-1: nothing is changed in the cluster: the only objects made are questions about
// rights, which the API server does not keep.
// INV-2: the user's password for Prometheus goes to the server that the user named, and
// to no other.
// INV-3: whatever is not as it should be comes with what to do about it.
// INV-4: only servers that the administrator has named are asked, here or for the controller,
// and none to which one of them redirects.
// INV-5: of a Secret only certificates are looked at, and what is told of them is their names and
// their end.
//
// It deliberately does not know why a service has the replicas that it has: flyball
// status does.
package doctor
