package plant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// An oracle does what an Engine does as plainly as it can be said: step by step,
// sequence by sequence and block by block.
type oracle struct {
	config  Config
	cost    exactCost
	random  *rand.Rand
	pool    *oraclePool
	known   map[ID]*oracleSequence
	running []*oracleSequence // oldest first
	waiting []*oracleSequence // next first

	steps  []oracleStep // chosen, the first of them in flight
	endsAt instant
	began  instant // the step in flight, or the end of the last
}

// An oracleStep is what the GPU is to work on.
type oracleStep struct {
	parts []oraclePart
	took  picos
}

// An oraclePart is a sequence's share of a step.
type oraclePart struct {
	*oracleSequence
	last bool // the sequence lacks nothing after it, and gets its next token
}

// newOracle starts an idle one.
func newOracle(c Config) (*oracle, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &oracle{
		config: c, cost: c.cost(), random: rand.New(rand.NewPCG(c.Seed, 0)),
		pool: newOraclePool(c.totalBlocks()), known: map[ID]*oracleSequence{},
	}, nil
}

// Load is what the engine holds now; waiting includes the preempted.
func (e *oracle) Load() Load {
	return Load{len(e.running), len(e.waiting), e.pool.used(), len(e.pool.refs)}
}

// Submit puts a request at the end of the waiting queue. An idle engine starts
// with the next call of Step.
func (e *oracle) Submit(now time.Duration, r Request) error {
	switch {
	case e.known[r.ID] != nil:
		return fmt.Errorf("request %d is already there", r.ID)
	case r.PromptTokens < 1 || r.PromptTokens >= e.config.MaxModelLen:
		return fmt.Errorf("a prompt of %d tokens does not fit: 1 to %d leave room for an answer", r.PromptTokens, e.config.MaxModelLen-1)
	case r.MaxTokens < 1:
		return fmt.Errorf("max tokens is %d, must be at least 1", r.MaxTokens)
	}
	s := &oracleSequence{
		Finished: Finished{Request: r, Submitted: now, Queued: now + e.config.FrontEnd + time.Duration(len(e.running))*e.config.FrontEndPerSequence},
		most:     min(r.MaxTokens, e.config.MaxModelLen-r.PromptTokens),
	}
	if n := len(e.waiting); n > 0 { // none overtakes another
		s.Queued = max(s.Queued, e.waiting[n-1].Queued)
	}
	e.known[r.ID] = s
	e.waiting = append(e.waiting, s)
	return nil
}

// Abort takes a request back at once. It reports false for a request that is not
// there, such as one that has ended.
func (e *oracle) Abort(now time.Duration, id ID) (Finished, bool) {
	s := e.known[id]
	if s == nil {
		return Finished{}, false
	}
	return e.end(s, Aborted, now), true
}

// Step ends the step in flight if its time has come and starts the next one if
// there is work. It returns when it wants to be called next, or Never. A caller that
// is late calls it until the returned time lies in the future; the steps still
// follow each other without a gap.
func (e *oracle) Step(now time.Duration) (Events, time.Duration) {
	var ev Events
	if len(e.steps) > 0 {
		if now < e.endsAt.nanos {
			return ev, e.endsAt.nanos
		}
		e.finishStep(&ev)
	} else if len(e.waiting) > 0 {
		if now < e.waiting[0].Queued {
			return ev, e.waiting[0].Queued
		}
		e.endsAt = later(e.endsAt, e.waiting[0].Queued)
		e.began = e.endsAt
	}
	e.fill(&ev)
	switch {
	case len(e.steps) > 0:
		return ev, e.endsAt.nanos
	case len(e.waiting) > 0:
		return ev, e.waiting[0].Queued
	}
	return ev, Never
}

// fill chooses steps: the one to run now, and with asynchronous scheduling the one
// after it.
func (e *oracle) fill(ev *Events) {
	now, depth := e.endsAt, 1
	if e.config.AsyncScheduling {
		depth = 2
	}
	if len(e.steps) > 0 {
		e.endsAt = now.add(e.steps[0].took)
	}
	for len(e.steps) < depth {
		s := e.choose(now.nanos, ev)
		if len(s.parts) == 0 {
			return
		}
		e.steps = append(e.steps, s)
		if len(e.steps) == 1 {
			e.endsAt = now.add(s.took)
		}
	}
}

// finishStep gives each sequence that the step brought up to date its next token.
func (e *oracle) finishStep(ev *Events) {
	now, done := e.endsAt.nanos, e.steps[0]
	e.began = e.endsAt
	e.steps = slices.Delete(e.steps, 0, 1)
	ev.StepEnded = true
	for _, s := range done.parts {
		if s.Outcome != 0 || !s.last { // ended, or in the middle of its prompt
			continue
		}
		t := Token{ID: s.ID, First: s.Generated == 0, PromptTokens: s.PromptTokens, CachedTokens: s.CachedTokens, Latency: now - s.LastToken}
		if t.First {
			t.Latency = now - s.Submitted
			s.FirstToken = now
		}
		s.LastToken = now
		s.Generated++
		ev.Tokens = append(ev.Tokens, t)
		// vLLM looks at the length before the end token (check_stop).
		switch {
		case s.Generated >= s.most:
			ev.Finished = append(ev.Finished, e.end(s.oracleSequence, Length, now))
		case s.NaturalTokens > 0 && s.Generated >= s.NaturalTokens:
			ev.Finished = append(ev.Finished, e.end(s.oracleSequence, Stop, now))
		}
	}
}

// end gives back what the sequence holds.
func (e *oracle) end(s *oracleSequence, o Outcome, now time.Duration) Finished {
	s.Outcome, s.EndedAt = o, now
	e.free(s)
	delete(e.known, s.ID)
	same := func(other *oracleSequence) bool { return other == s }
	e.running = slices.DeleteFunc(e.running, same)
	e.waiting = slices.DeleteFunc(e.waiting, same)
	return s.Finished
}

// free gives the blocks back, the last first, so that the start of a prompt stays
// in the prefix cache longest.
func (e *oracle) free(s *oracleSequence) {
	for _, b := range slices.Backward(s.blocks) {
		e.pool.release(b)
	}
	s.blocks, s.remembered, s.computed = nil, 0, 0
}

// An oracleSequence is a request inside the oracle.
type oracleSequence struct {
	Finished
	admitted   bool
	most       int     // tokens to generate before its length ends it
	planned    int     // tokens generated, or to come from the steps already chosen
	computed   int     // tokens whose KV is in blocks, or will be after the steps already chosen
	blocks     []int32 // computed tokens lie in them, in order
	remembered int     // blocks of the prompt already offered to the prefix cache
}

// tokens is how many the sequence has: prompt and generated.
func (s *oracleSequence) tokens() int { return s.PromptTokens + s.planned }

// decoding holds for a sequence that lacks nothing but its newest token.
func (s *oracleSequence) decoding() bool { return s.planned > 0 && s.computed == s.tokens()-1 }

// choose makes up the next step, as vLLM's scheduler does
// (v1/core/sched/scheduler.py): each sequence gets as many tokens as it lacks and
// the budget leaves, running ones first, then waiting ones in order of arrival.
func (e *oracle) choose(now time.Duration, ev *Events) oracleStep {
	c := oracleChoice{budget: e.config.MaxNumBatchedTokens}
	preemptions := e.scheduleRunning(&c)
	ev.Preemptions += preemptions
	if preemptions == 0 {
		e.scheduleWaiting(now, &c, ev)
	}
	took := e.cost.step(c.batch)
	if e.config.Jitter > 0 && len(c.parts) > 0 {
		took = max(1, picos(float64(took)*(1+e.config.Jitter*(2*e.random.Float64()-1))))
	}
	return oracleStep{c.parts, took}
}

// An oracleChoice is a step that is being made up.
type oracleChoice struct {
	budget int
	batch  Batch
	parts  []oraclePart
}

// scheduleRunning serves the running sequences, but for those whose last token is
// already to come. When no block is free the newest of them is preempted: it loses
// its blocks, goes to the head of the waiting queue and computes prompt and generated
// tokens again later.
func (e *oracle) scheduleRunning(c *oracleChoice) (preemptions int) {
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
func (e *oracle) scheduleWaiting(start time.Duration, c *oracleChoice, ev *Events) {
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
func (e *oracle) cachedStart(s *oracleSequence) []int32 {
	if !e.config.PrefixCaching {
		return nil
	}
	most := (s.tokens() - 1) / e.config.BlockTokens
	return e.pool.find(s.BlockHashes[:min(most, e.promptBlocks(s))])
}

// promptBlocks is how many blocks of the prompt are full and have a hash.
func (e *oracle) promptBlocks(s *oracleSequence) int {
	return min(s.PromptTokens/e.config.BlockTokens, len(s.BlockHashes))
}

// grow makes the sequence's blocks hold that many tokens, or reports false and
// changes nothing.
func (e *oracle) grow(s *oracleSequence, tokens int) bool {
	missing := e.config.blocksFor(tokens) - len(s.blocks)
	if missing > e.pool.free {
		return false
	}
	for range missing {
		s.blocks = append(s.blocks, e.pool.take())
	}
	return true
}

func (e *oracle) preemptLast() {
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
func (e *oracle) put(s *oracleSequence, n int, c *oracleChoice) {
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
	c.parts = append(c.parts, oraclePart{s, last})
	if !e.config.PrefixCaching {
		return
	}
	full := min(s.computed/e.config.BlockTokens, e.promptBlocks(s))
	for ; s.remembered < full; s.remembered++ {
		e.pool.remember(s.blocks[s.remembered], s.BlockHashes[s.remembered])
	}
}
