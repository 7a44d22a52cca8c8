// Package rehearse runs an example folder against a cluster, step by step, and
// checks that what its rehearsal.txt says must be seen is seen in time.
//
// The language of rehearsal.txt is line based; a # starts a comment. Header lines
// (service, endpoint, model, part, let) come first, then the blocks before, step
// and after with one indented line for each thing to do or to see, in order.
// docs/rehearsal.md is its reference.
//
// INV-1: a script is refused as a whole, with file and line, before the cluster
// is touched: unknown words, unknown names and missing files never run by half.
// INV-2: nothing is skipped silently; the first thing that does not hold ends the
// rehearsal, and the steps behind it are listed as not run.
// INV-3: what a never line forbids is looked for in each change that the API
// server reports, not in samples, so that a short moment counts as well.
// INV-4: however a rehearsal ends, its load is stopped, the after block runs and
// the part that was taken away stands again.
//
// It deliberately does not know KServe, KEDA or the lab: it knows kubectl, and
// what a Deployment, an autoscaler and a condition look like. The load's maker is
// a function that it is given.
package rehearse
