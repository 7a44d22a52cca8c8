// Package cli is the flyball command line: subcommands, printing, exit codes
// and all wiring between edges.
//
// INV-1: exit 0 = done and the answer is yes; 1 = done and the answer is no
// (a check failed); 2 = could not be done.
// INV-2: stdout carries data only; errors go to stderr as "flyball: message",
// then one "hint:" line each; progress is drawn on a terminal only.
//
// It deliberately holds no policy: what to decide is core's, how to talk to a
// technology is an edge's.
package cli
