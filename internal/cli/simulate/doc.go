// Package simulate is the command flyball simulate: it binds what its flags name to a
// comparison, and prints the rows.
//
// INV-1: CSV has numbers alone: units stand in the header, bounds in columns of their own,
// and what is not known is empty.
// INV-2: what is simulated of a cluster is what it has, without what the API server and
// controllers have added to it.
//
// It deliberately computes nothing of what it prints.
package simulate
