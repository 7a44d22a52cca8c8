// Package validate replays measured runs of vLLM, published benchmarks and a recording of
// the lab, and writes how far the simulator is off: docs/validation.md.
//
// INV-1: the page has no timings in it and is the same every time, byte for byte.
// INV-2: a bound that does not hold is said, unless it is a known miss with its reason; a
// known miss that holds is said too.
//
// It deliberately knows no other plant than the one that flyball simulate uses, and sets
// no coefficient of it.
package validate
