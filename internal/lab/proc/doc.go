// Package proc runs the lab's child processes, one at a time, and finds the ones that a dead
// supervisor left behind.
//
// INV-1: a process leads its own group; when it ends, whatever is left of the group is killed
// before its process id can be used again, so nothing of it outlives Done.
// INV-2: Stop returns only after Done is closed; SIGKILL follows SIGTERM when the grace is over.
// INV-3: KillMarked signals only processes whose environment carries the exact mark of the lab,
// and returns only when each of them has let go of its files and ports.
//
// It deliberately knows nothing of what the programs are, of restarts, or of order: that is the
// supervisor's and the node agent's.
package proc
