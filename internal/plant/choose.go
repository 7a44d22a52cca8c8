package plant

// A choice is a step that is being made up.
type choice struct {
	number    int64
	budget    int
	batch     Batch
	decodes   int // sequences that decode and do get a token
	completes []*sequence
}

// choose makes up the next step, as vLLM's scheduler does
// (v1/core/sched/scheduler.py): each sequence gets as many tokens as it lacks and
// the budget leaves, running ones first, then waiting ones in order of arrival. It
// reports false if there is nothing to do.
func (e *Engine) choose() bool {
	slot := &e.steps[e.chosen-e.done]
	c := choice{number: e.chosen + 1, budget: e.config.MaxNumBatchedTokens, completes: slot.prefills[:0]}
	e.leave(c.number)
	preempted := e.meter.Preemptions
	e.chooseRunning(&c)
	e.stuck = false
	if e.meter.Preemptions == preempted {
		e.admit(&c)
	}
	if c.batch.Sequences == 0 {
		return false
	}
	took := e.cost.step(c.batch)
	if e.config.Jitter > 0 {
		took = max(1, picos(float64(took)*(1+e.config.Jitter*(2*e.random.Float64()-1))))
	}
	*slot = step{took, c.decodes, c.completes, slot.stragglers[:0]}
	e.chosen++
	for _, s := range c.completes {
		e.decode(s)
	}
	e.steady = e.config.Jitter == 0 && e.partial == nil && e.meter.Preemptions == preempted &&
		c.batch.PrefillTokens == 0 && len(c.completes) == 0 && c.decodes == e.decodes.count
	return true
}

// leave takes those out of the decodes whose last token is to come from a step that
// is chosen already.
func (e *Engine) leave(next int64) {
	if len(e.ends) == 0 || e.ends[0].endStep >= next {
		return
	}
	e.ending = e.ends.endingAt(next-1, 0, e.ending[:0])
	for _, s := range e.ending {
		if s.member && !s.stops {
			e.decodes.add(s, -1)
		}
	}
}

// chooseRunning serves the running sequences, but for those whose last token is
// already to come.
func (e *Engine) chooseRunning(c *choice) {
	need := e.decodes.takesAt(c.number)
	if need > e.pool.free {
		e.chooseShort(c)
		return
	}
	e.pool.take(need)
	n := e.decodes.count
	c.budget -= n
	c.batch.Sequences, c.batch.Decodes, c.batch.DecodeContext = n, n, e.decodes.context(c.number)
	c.decodes = n - e.stopped(c.number)
	if s := e.partial; s != nil && c.budget > 0 {
		tokens := min(s.tokens()-s.computed, c.budget)
		if e.missing(s, tokens) > e.pool.free {
			e.preemptLast(c.number)
			return
		}
		e.prefill(s, tokens, c)
	}
}

// stopped counts the decodes that stop by themselves before a step and are worked on
// for nothing.
func (e *Engine) stopped(number int64) int {
	if len(e.ends) == 0 || e.ends[0].endStep >= number {
		return 0
	}
	n := 0
	for _, s := range e.ending { // leave has found them
		if s.member {
			n++
		}
	}
	return n
}

// chooseShort serves the running sequences one after the other when there are not
// enough blocks for all. The newest of them is preempted: it loses its blocks, goes to
// the head of the waiting queue and computes prompt and generated tokens again later.
func (e *Engine) chooseShort(c *choice) {
	for i := 0; i < len(e.running) && c.budget > 0; i++ {
		s := e.running[i]
		tokens, missing := 1, 0
		switch {
		case s == e.partial:
			tokens = min(s.tokens()-s.computed, c.budget)
			missing = e.missing(s, tokens)
		case !s.member:
			continue
		case int(c.number%int64(e.config.BlockTokens)) == e.decodes.residue(s):
			missing = 1
		}
		for i < len(e.running) && missing > e.pool.free {
			e.preemptLast(c.number)
		}
		switch {
		case i == len(e.running): // it preempted itself
		case s == e.partial:
			e.prefill(s, tokens, c)
		default:
			e.pool.take(missing)
			c.budget--
			c.batch.Sequences++
			c.batch.Decodes++
			c.batch.DecodeContext += s.PromptTokens + int(c.number-1-s.offset)
			if s.endStep >= c.number {
				c.decodes++
			}
		}
	}
}

func (e *Engine) preemptLast(number int64) {
	last := len(e.running) - 1
	s := e.running[last]
	e.running = e.running[:last]
	if s.decoding {
		e.settle(s)
		if flying := number - 1; flying > e.done && flying > s.firstStep && flying <= s.endStep {
			at := &e.steps[0]
			at.stragglers = append(at.stragglers, s)
		}
	}
	e.release(s)
	s.Preemptions++
	e.meter.Preemptions++
	e.waiting.pushFront(s)
}

// admit lets sequences from the head of the queue run. The first that does not fit
// holds back all behind it. A sequence is admitted only if blocks for all its tokens
// are free (vLLM: scheduler_reserve_full_isl), though they are taken chunk by chunk. A
// late caller may have submitted what a step that starts in its past cannot see yet.
func (e *Engine) admit(c *choice) {
	for e.waiting.len() > 0 {
		s := e.waiting.first()
		if s.Queued > e.now.nanos {
			return
		}
		if c.budget <= 0 || len(e.running) >= e.config.MaxNumSeqs {
			e.stuck = true
			return
		}
		if !e.findRoom(s) {
			e.stuck = true
			return
		}
		e.waiting.pop()
		e.running = append(e.running, s)
		e.admitted++
		s.order, s.computed = e.admitted, len(s.blocks)*e.config.BlockTokens
		if !s.admitted {
			s.admitted, s.Admitted, s.CachedTokens = true, e.now.nanos, s.computed
			if e.config.PrefixCaching {
				e.meter.CacheQueries += s.PromptTokens
				e.meter.CacheHits += s.computed
			}
		}
		e.prefill(s, min(s.tokens()-s.computed, c.budget), c)
	}
}

// findRoom finds the blocks of the prompt's start in the prefix cache and shares them
// if there are blocks for the rest too. At least one token is left to compute, or
// there would be nothing to sample from.
func (e *Engine) findRoom(s *sequence) bool {
	if e.refused == (refusal{s, e.pool.changes}) {
		return false
	}
	s.blocks = s.blocks[:0]
	if e.config.PrefixCaching {
		most := min((s.tokens()-1)/e.config.BlockTokens, e.promptBlocks(s))
		s.blocks = e.pool.find(s.BlockHashes[:most], s.blocks)
	}
	if e.config.blocksFor(s.tokens())-len(s.blocks) > e.pool.free-e.pool.freeAmong(s.blocks) {
		s.blocks = s.blocks[:0]
		e.refused = refusal{s, e.pool.changes}
		return false
	}
	for _, b := range s.blocks {
		e.pool.share(b)
	}
	return true
}

// promptBlocks is how many blocks of the prompt are full and have a hash.
func (e *Engine) promptBlocks(s *sequence) int {
	return min(s.PromptTokens/e.config.BlockTokens, len(s.BlockHashes))
}

// missing is how many blocks the sequence lacks to compute that many tokens more.
func (e *Engine) missing(s *sequence, tokens int) int {
	return e.config.blocksFor(s.computed+tokens) - e.config.blocksFor(s.computed)
}

// prefill makes tokens of the sequence's prompt, or of what a preempted one has to
// compute again, part of the step. What they compute counts as done from here on, as
// in vLLM, so that a prompt with the same start that is admitted in the same step
// already finds it.
func (e *Engine) prefill(s *sequence, tokens int, c *choice) {
	e.pool.take(e.missing(s, tokens))
	c.budget -= tokens
	c.batch.Sequences++
	if s.Generated > 0 && s.computed == s.tokens()-1 {
		c.batch.Decodes++
		c.batch.DecodeContext += s.tokens()
	} else {
		c.batch.PrefillTokens += tokens
		c.batch.AttentionPairs += tokens * (2*s.computed + tokens)
	}
	s.computed += tokens
	e.partial = s
	if s.computed == s.tokens() {
		e.partial = nil
		c.completes = append(c.completes, s)
	}
	if !e.config.PrefixCaching {
		return
	}
	full := min(s.computed/e.config.BlockTokens, e.promptBlocks(s))
	for len(s.blocks) < full {
		s.blocks = append(s.blocks, e.pool.name(s.BlockHashes[len(s.blocks)]))
	}
}

// decode makes a sequence whose prompt the step just chosen completes one that gets a
// token in every step.
func (e *Engine) decode(s *sequence) {
	s.decoding, s.firstStep = true, e.chosen
	s.offset = e.chosen - int64(s.Generated+1)
	s.endStep = s.offset + int64(s.ends)
	e.ends.push(s)
	if s.leaves(e.config.AsyncScheduling) > e.chosen {
		e.decodes.add(s, 1)
	}
}
