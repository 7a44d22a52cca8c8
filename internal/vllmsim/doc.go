// Package vllmsim is an HTTP server that looks like vLLM from outside and takes
// the time that a simulated GPU would take.
//
// INV-1: the API, its errors, the command line and /metrics are vLLM's; what is
// not exported, and where the simulation knows better than to pretend, is listed
// in docs/vllm-metrics.md.
// INV-2: the engine belongs to one goroutine, the driver; it never waits for a
// client.
// INV-3: a request whose client has gone leaves the engine at once.
// INV-4: a completed answer has as many tokens as its usage says, a cut one has no
// finish_reason and no [DONE].
// INV-5: nothing listens before weights and warm-up are through; after Run has
// returned, nothing does.
//
// It deliberately knows nothing of Kubernetes, and no language: a token is four
// bytes of a prompt, or one word of an answer.
package vllmsim
