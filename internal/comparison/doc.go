// Package comparison plays Flyball's law and the published ones on the scenarios of the study,
// and writes how what they attain lies to what was promised.
//
// INV-1: what was played is kept as it was, by all that it depends on but the code, and is
// not played again.
//
// It deliberately chooses no parameters: laws are as shipped, with a scenario's objectives
// where they take some.
package comparison
