// Package history asks a Prometheus what the vLLM servers of one service counted in the
// last days, and makes a workload of it: rates over time and lengths.
//
// INV-1: no query asks for more points than a Prometheus gives.
// INV-2: time without data is never taken for time without requests: that there was no
// pod is known from up, the rest is filled from both sides and told, and too much of it
// is an error.
// INV-3: no clock is read: what time it is the server says, and the same answers give
// the same history.
// INV-4: the mean lengths are those that vLLM counted.
//
// vLLM has no counter of arrivals. What is nearest is the count of first tokens; what
// the queues grew by between two looks is added to it.
//
// It deliberately knows no address, no password and no law; nor what a histogram does
// not say: which lengths go together, which prompts begin alike, and how bursty the
// arrivals of one step are.
package history
