// Package load sends open-loop load to an OpenAI-compatible endpoint and says what became of
// every request.
//
// INV-1: arrivals are a function of Pacer alone: the same Pacer gives the same times and sizes,
// however the server answers.
// INV-2: every request sent ends in exactly one Outcome.
// INV-3: no coordinated omission: TTFT and E2E count from the scheduled arrival, also when the
// request had to wait for a slot of MaxInFlight; what counts from the sending is named so.
// INV-4: a stream is ok only with its finish_reason, its usage, the tokens that were asked for
// and [DONE]; latencies are those of ok requests.
//
// Prompts are random common words, about one token each, and no two begin alike, so a prefix
// cache has nothing to reuse; a chat template adds its own tokens. Requests ask for ignore_eos,
// which vLLM knows, so that the answer has the length asked for. Each has a connection of its
// own, so that a Service spreads them, and so that no kept connection breaks under a request.
//
// It deliberately does not know clusters or autoscalers, sends no request twice and never looks
// into what is said.
package load
