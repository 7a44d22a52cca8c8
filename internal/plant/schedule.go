package plant

import (
	"slices"
	"time"
)

// choose makes up the next step, as vLLM's scheduler does
// (v1/core/sched/scheduler.py): each sequence gets as many tokens as it lacks and
// the budget leaves, running ones first, then waiting ones in order of arrival.
func (e *Engine) choose(now time.Duration, ev *Events) step {
	c := choice{budget: e.config.MaxNumBatchedTokens}
	preemptions := e.scheduleRunning(&c)
	ev.Preemptions += preemptions
	if preemptions == 0 {
		e.scheduleWaiting(now, &c, ev)
	}
	took := e.cost.step(c.batch)
	if e.config.Jitter > 0 && len(c.parts) > 0 {
		took = max(1, picos(float64(took)*(1+e.config.Jitter*(2*e.random.Float64()-1))))
	}
	return step{c.parts, took}
}

// A choice is a step that is being made up.
type choice struct {
	budget int
	batch  Batch
	parts  []part
}

// scheduleRunning serves the running sequences, but for those whose last token is
// already to come. When no block is free the newest of them is preempted: it loses
// its blocks, goes to the head of the waiting queue and computes prompt and generated
// tokens again later.
func (e *Engine) scheduleRunning(c *choice) (preemptions int) {
	for i := 0; i < len(e.running) && c.budget > 0; i++ {
		s := e.running[i]
		if s.planned >= s.most {
			continue
		}
		n := min(s.tokens()-s.computed, c.budget)
		for i < len(e.running) && !e.grow(s, s.computed+n) {
			e.preemptLast()
			preemptions++
		}
		if i < len(e.running) { // it did not preempt itself
			e.put(s, n, c)
		}
	}
	return preemptions
}

// scheduleWaiting admits sequences from the head of the queue. The first that
// does not fit holds back all behind it. A sequence is admitted only if blocks for
// all its tokens are free (vLLM: scheduler_reserve_full_isl), though they are
// taken chunk by chunk. A late caller may have submitted what a step that starts
// in its past cannot see yet.
func (e *Engine) scheduleWaiting(start time.Duration, c *choice, ev *Events) {
	for len(e.waiting) > 0 && c.budget > 0 && len(e.running) < e.config.MaxNumSeqs {
		s := e.waiting[0]
		if s.Queued > start {
			return
		}
		s.planned = s.Generated
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
		n := min(s.tokens()-s.computed, c.budget)
		e.grow(s, s.computed+n)
		e.put(s, n, c)
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
func (e *Engine) put(s *sequence, n int, c *choice) {
	c.budget -= n
	c.batch.Sequences++
	if s.decoding() {
		c.batch.Decodes++
		c.batch.DecodeContext += s.tokens()
	} else {
		c.batch.PrefillTokens += n
		c.batch.AttentionPairs += n * (2*s.computed + n)
	}
	s.computed += n
	last := s.computed == s.tokens()
	if last {
		s.planned++
	}
	c.parts = append(c.parts, part{s, last})
	if !e.config.PrefixCaching {
		return
	}
	full := min(s.computed/e.config.BlockTokens, e.promptBlocks(s))
	for ; s.remembered < full; s.remembered++ {
		e.pool.remember(s.blocks[s.remembered], s.BlockHashes[s.remembered])
	}
}
