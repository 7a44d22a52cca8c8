// Package capacity learns what one replica serves within the objectives, from what any
// vLLM counts: how long its steps take, what requests are like, how many miss at which
// load, and how long a replica needs to start and to go.
//
// A Fit turns uses of pods into Costs of a step; a Replica is these Costs with a Mix and
// Limits, and knows its Capacity, its Room and the share that misses at any load; a Curve
// corrects that share by what was counted; Times are those of starts and drains.
//
// INV-1: every function is total: whatever the numbers, NaN and infinite ones among them,
// what comes back is finite, and a share lies from 0 to 1.
// INV-2: an observation that cannot be (no tokens, a negative count, no number) changes
// nothing.
// INV-3: costs that rise and prompts that grow never raise a capacity, nor costs a room;
// more load never lowers a share that misses.
// INV-4: a calibrated curve rises, and with much seen it is what was seen.
// INV-5: a fit that saw uses of given costs comes to these costs, from any prior within
// a factor of two, also where pods idle most of the time.
// INV-6: what is learned is a plain value: it can be compared and written down, and comes
// back as it was.
//
// It deliberately knows no metric by name, no pod, no clock and no replica count that is
// wanted: what a pod did is told to it, and what to make of a capacity is a law's.
package capacity
