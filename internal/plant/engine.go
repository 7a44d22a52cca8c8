package plant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Never is the time of a step that no work asks for.
const Never = time.Duration(math.MaxInt64)

// Config is one engine. Cost, KVTokens, BlockTokens and the three limits must be set.
type Config struct {
	Cost StepCost
	// FrontEnd is what the API server takes between accepting a request and handing
	// it to the scheduler: HTTP, tokenizer, the way into the engine's process.
	// FrontEndPerSequence comes on top for each running sequence, because the server is
	// one event loop, which also has the tokens of all these to send.
	FrontEnd, FrontEndPerSequence time.Duration
	// AsyncScheduling chooses a step's sequences while the step before still runs
	// (vLLM: on by default from 0.14), so that the GPU never waits for the scheduler,
	// and a request that arrives in between waits for one step more.
	AsyncScheduling     bool
	KVTokens            int
	BlockTokens         int
	MaxModelLen         int
	MaxNumBatchedTokens int
	MaxNumSeqs          int
	PrefixCaching       bool
	// Jitter stretches or shrinks each step by up to this share, drawn from Seed.
	Jitter float64
	Seed   uint64
}

// Validate refuses what an engine cannot run on. The cache must hold one request
// of the model's full length, or that request could never end.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"block size", c.BlockTokens},
		{"max_model_len", c.MaxModelLen},
		{"max_num_batched_tokens", c.MaxNumBatchedTokens},
		{"max_num_seqs", c.MaxNumSeqs},
	} {
		if f.value < 1 {
			return fmt.Errorf("%s is %d, must be at least 1", f.name, f.value)
		}
	}
	switch {
	case c.MaxNumBatchedTokens < c.MaxNumSeqs:
		return fmt.Errorf("max_num_batched_tokens (%d) must be greater than or equal to max_num_seqs (%d)",
			c.MaxNumBatchedTokens, c.MaxNumSeqs)
	case min(c.FrontEnd, c.FrontEndPerSequence) < 0 || max(c.FrontEnd, c.FrontEndPerSequence) > time.Minute:
		return fmt.Errorf("the front end takes %v and %v per sequence, must be from 0 to 1m", c.FrontEnd, c.FrontEndPerSequence)
	case c.Jitter < 0 || c.Jitter > 1 || c.Jitter != c.Jitter:
		return fmt.Errorf("jitter is %v, must be from 0 to 1", c.Jitter)
	case c.totalBlocks() < c.blocksFor(c.MaxModelLen):
		return fmt.Errorf("one request of max_model_len (%d) tokens needs more KV cache than the %d tokens that there are",
			c.MaxModelLen, max(0, c.KVTokens))
	}
	return c.Cost.validate(Batch{
		Sequences: c.MaxNumSeqs, PrefillTokens: c.MaxNumBatchedTokens, DecodeContext: c.KVTokens,
		AttentionPairs: 2 * c.MaxNumBatchedTokens * c.MaxModelLen,
	})
}

func (c Config) totalBlocks() int { return max(0, c.KVTokens) / c.BlockTokens }

// blocksFor is how many blocks that many tokens take.
func (c Config) blocksFor(tokens int) int { return (tokens + c.BlockTokens - 1) / c.BlockTokens }

// An Engine is one replica's scheduler and GPU. Its methods take the time on a
// clock of the caller's that never runs backwards.
type Engine struct {
	config  Config
	cost    exactCost
	random  *rand.Rand
	pool    *blockPool
	known   map[ID]*sequence
	running []*sequence // oldest first
	waiting []*sequence // next first

	steps  []step // chosen, the first of them in flight
	endsAt instant
}

// A step is what the GPU is to work on.
type step struct {
	parts []part
	took  picos
}

// A part is a sequence's share of a step.
type part struct {
	*sequence
	last bool // the sequence lacks nothing after it, and gets its next token
}

// NewEngine starts an idle engine.
func NewEngine(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Engine{
		config: c, cost: c.Cost.exact(), random: rand.New(rand.NewPCG(c.Seed, 0)),
		pool: newBlockPool(c.totalBlocks()), known: map[ID]*sequence{},
	}, nil
}

// Load is what an engine holds.
type Load struct {
	Running, Waiting        int
	UsedBlocks, TotalBlocks int
}

// Load is what the engine holds now; waiting includes the preempted.
func (e *Engine) Load() Load {
	return Load{len(e.running), len(e.waiting), e.pool.used(), len(e.pool.refs)}
}

// Submit puts a request at the end of the waiting queue. An idle engine starts
// with the next call of Step.
func (e *Engine) Submit(now time.Duration, r Request) error {
	switch {
	case e.known[r.ID] != nil:
		return fmt.Errorf("request %d is already there", r.ID)
	case r.PromptTokens < 1 || r.PromptTokens >= e.config.MaxModelLen:
		return fmt.Errorf("a prompt of %d tokens does not fit: 1 to %d leave room for an answer", r.PromptTokens, e.config.MaxModelLen-1)
	case r.MaxTokens < 1:
		return fmt.Errorf("max tokens is %d, must be at least 1", r.MaxTokens)
	}
	s := &sequence{
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
func (e *Engine) Abort(now time.Duration, id ID) (Finished, bool) {
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
func (e *Engine) Step(now time.Duration) (Events, time.Duration) {
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
func (e *Engine) fill(ev *Events) {
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
func (e *Engine) finishStep(ev *Events) {
	now, done := e.endsAt.nanos, e.steps[0]
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
			ev.Finished = append(ev.Finished, e.end(s.sequence, Length, now))
		case s.NaturalTokens > 0 && s.Generated >= s.NaturalTokens:
			ev.Finished = append(ev.Finished, e.end(s.sequence, Stop, now))
		}
	}
}

// end gives back what the sequence holds.
func (e *Engine) end(s *sequence, o Outcome, now time.Duration) Finished {
	s.Outcome, s.EndedAt = o, now
	e.free(s)
	delete(e.known, s.ID)
	same := func(other *sequence) bool { return other == s }
	e.running = slices.DeleteFunc(e.running, same)
	e.waiting = slices.DeleteFunc(e.waiting, same)
	return s.Finished
}

// free gives the blocks back, the last first, so that the start of a prompt stays
// in the prefix cache longest.
func (e *Engine) free(s *sequence) {
	for _, b := range slices.Backward(s.blocks) {
		e.pool.release(b)
	}
	s.blocks, s.remembered, s.computed = nil, 0, 0
}
