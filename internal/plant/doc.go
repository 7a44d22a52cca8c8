// Package plant is what is controlled: LLM engines as state machines that batch, chunk,
// queue, cache and preempt as vLLM's V1 scheduler does, and whose steps take as long as
// measured kernels say.
//
// INV-1: every accepted request ends in exactly one Outcome.
// INV-2: KV blocks are conserved: each block is free or referenced by as many
// requests as hold it, and free + used = all.
// INV-3: while any request is held, a step is in flight or the next call starts one
// once a request is through the front end; it comes to an end by itself.
// INV-4: the same calls with the same arguments give the same events.
// INV-5: a request gets its tokens in order and never more than MaxTokens, nor
// more than the model length leaves room for.
// INV-6: an engine that jumps from event to event is the engine that goes step by
// step: the same times to the nanosecond, the same loads and the same counts.
// INV-7: every request offered to a fleet ends in exactly one Done, with one Ending,
// and a replica that is not ready, or is draining, gets none.
// INV-8: GPUs are conserved: each is free or held by one replica, and no node gives
// more than it has.
// INV-9: a fleet's requests wait in an admit.Queue and nowhere else: what it refused,
// expired, cancelled or gave up ended so here, and what it released went to a replica
// or fitted none.
// By promise none goes past that queue, and none is held that a replica has room for.
// INV-10: replicas leave in the order of drain.Sooner, and go when a drain.Drain lets
// them.
//
// It deliberately knows nothing of clocks, HTTP, text or metrics: time is an
// argument, and a prompt is a length and the hashes of its blocks. It leaves out
// speculative decoding, LoRA, priorities, KV transfer between engines and hybrid
// attention; generated tokens are not put into the prefix cache.
package plant
