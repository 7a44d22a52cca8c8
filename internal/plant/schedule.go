package plant

import (
	"slices"
	"time"
)

// startStep chooses what the next step works on, as vLLM's scheduler does
// (v1/core/sched/scheduler.py): each sequence gets as many tokens as it lacks and
// the budget leaves, running ones first, then waiting ones in order of arrival.
func (e *Engine) startStep(start time.Duration, ev *Events) {
	budget := e.config.MaxNumBatchedTokens
	var batch Batch
	ev.Preemptions = e.scheduleRunning(&budget, &batch)
	if ev.Preemptions == 0 {
		e.scheduleWaiting(start, &budget, &batch, ev)
	}
	if len(e.step) == 0 {
		return
	}
	took := e.config.Cost.Duration(batch)
	if e.config.Jitter > 0 {
		took = time.Duration(float64(took) * (1 + e.config.Jitter*(2*e.random.Float64()-1)))
	}
	e.busy, e.endsAt = true, start+max(took, 1)
}

// scheduleRunning serves the running sequences. When no block is free the newest
// of them is preempted: it loses its blocks, goes to the head of the waiting queue
// and computes prompt and generated tokens again later.
func (e *Engine) scheduleRunning(budget *int, batch *Batch) (preemptions int) {
	for i := 0; i < len(e.running) && *budget > 0; i++ {
		s := e.running[i]
		n := min(s.tokens()-s.computed, *budget)
		for i < len(e.running) && !e.grow(s, s.computed+n) {
			e.preemptLast()
			preemptions++
		}
		if i < len(e.running) { // it did not preempt itself
			e.put(s, n, budget, batch)
		}
	}
	return preemptions
}

// scheduleWaiting admits sequences from the head of the queue. The first that
// does not fit holds back all behind it. A sequence is admitted only if blocks for
// all its tokens are free (vLLM: scheduler_reserve_full_isl), though they are
// taken chunk by chunk. A late caller may have submitted what a step that starts
// in its past cannot see yet.
func (e *Engine) scheduleWaiting(start time.Duration, budget *int, batch *Batch, ev *Events) {
	for len(e.waiting) > 0 && *budget > 0 && len(e.running) < e.config.MaxNumSeqs {
		s := e.waiting[0]
		if s.Submitted > start {
			return
		}
		cached := e.cachedStart(s)
		need := e.config.blocksFor(s.tokens()) - len(cached)
		if need > e.pool.free-e.pool.freeAmong(cached) {
			return
		}
		for _, b := range cached {
			e.pool.share(b)
		}
		hit := len(cached) * e.config.BlockTokens
		s.blocks, s.remembered, s.computed = cached, len(cached), hit
		if !s.admitted {
			s.admitted, s.Admitted, s.CachedTokens = true, start, hit
			if e.config.PrefixCaching {
				ev.CacheQueries += s.PromptTokens
				ev.CacheHits += hit
			}
		}
		e.waiting = slices.Delete(e.waiting, 0, 1)
		e.running = append(e.running, s)
		n := min(s.tokens()-s.computed, *budget)
		e.grow(s, s.computed+n)
		e.put(s, n, budget, batch)
	}
}

// cachedStart finds the blocks of the prompt's start in the prefix cache. At
// least one token is left to compute, or there would be nothing to sample from.
func (e *Engine) cachedStart(s *sequence) []int32 {
	if !e.config.PrefixCaching {
		return nil
	}
	most := (s.tokens() - 1) / e.config.BlockTokens
	return e.pool.find(s.BlockHashes[:min(most, e.promptBlocks(s))])
}

// promptBlocks is how many blocks of the prompt are full and have a hash.
func (e *Engine) promptBlocks(s *sequence) int {
	return min(s.PromptTokens/e.config.BlockTokens, len(s.BlockHashes))
}

// grow makes the sequence's blocks hold that many tokens, or reports false and
// changes nothing.
func (e *Engine) grow(s *sequence, tokens int) bool {
	missing := e.config.blocksFor(tokens) - len(s.blocks)
	if missing > e.pool.free {
		return false
	}
	for range missing {
		s.blocks = append(s.blocks, e.pool.take())
	}
	return true
}

func (e *Engine) preemptLast() {
	last := len(e.running) - 1
	s := e.running[last]
	e.running = e.running[:last]
	e.free(s)
	s.Preemptions++
	e.waiting = slices.Insert(e.waiting, 0, s)
}

// put makes n tokens of the sequence part of the step. What they compute counts as
// done from here on, as in vLLM, so that a prompt with the same start that is
// admitted in the same step already finds it.
func (e *Engine) put(s *sequence, n int, budget *int, batch *Batch) {
	*budget -= n
	batch.Sequences++
	if s.decoding() {
		batch.Decodes++
		batch.DecodeContext += s.tokens()
	} else {
		batch.PrefillTokens += n
		batch.Attention += float64(n) * (float64(s.computed) + float64(n)/2)
	}
	s.computed += n
	e.step = append(e.step, s)
	if !e.config.PrefixCaching {
		return
	}
	full := min(s.computed/e.config.BlockTokens, e.promptBlocks(s))
	for ; s.remembered < full; s.remembered++ {
		e.pool.remember(s.blocks[s.remembered], s.BlockHashes[s.remembered])
	}
}
