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

// Config is one engine. All fields but Jitter and Seed must be set.
type Config struct {
	Cost                StepCost
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
	case c.Jitter < 0 || c.Jitter > 1 || c.Jitter != c.Jitter:
		return fmt.Errorf("jitter is %v, must be from 0 to 1", c.Jitter)
	case c.totalBlocks() < c.blocksFor(c.MaxModelLen):
		return fmt.Errorf("one request of max_model_len (%d) tokens needs more KV cache than the %d tokens that there are",
			c.MaxModelLen, max(0, c.KVTokens))
	}
	return nil
}

func (c Config) totalBlocks() int { return max(0, c.KVTokens) / c.BlockTokens }

// blocksFor is how many blocks that many tokens take.
func (c Config) blocksFor(tokens int) int { return (tokens + c.BlockTokens - 1) / c.BlockTokens }

// An Engine is one replica's scheduler and GPU. Its methods take the time on a
// clock of the caller's that never runs backwards.
type Engine struct {
	config  Config
	random  *rand.Rand
	pool    *blockPool
	known   map[ID]*sequence
	running []*sequence // oldest first
	waiting []*sequence // next first

	step   []*sequence // in flight
	busy   bool
	endsAt time.Duration
}

// NewEngine starts an idle engine.
func NewEngine(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Engine{
		config: c, random: rand.New(rand.NewPCG(c.Seed, 0)),
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
	s := &sequence{Finished: Finished{Request: r, Submitted: now}}
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
// there is work. It returns when the step in flight ends, or Never. A caller that
// is late calls it until the returned time lies in the future; the steps still
// follow each other without a gap.
func (e *Engine) Step(now time.Duration) (Events, time.Duration) {
	var ev Events
	start := now
	if e.busy {
		if now < e.endsAt {
			return ev, e.endsAt
		}
		start = e.endsAt
		e.finishStep(&ev)
	}
	if len(e.running) == 0 && len(e.waiting) > 0 {
		start = max(start, e.waiting[0].Submitted)
	}
	e.startStep(start, &ev)
	if !e.busy {
		return ev, Never
	}
	return ev, e.endsAt
}

// finishStep gives each sequence that the step brought up to date its next token.
func (e *Engine) finishStep(ev *Events) {
	now := e.endsAt
	ev.StepEnded = true
	for _, s := range e.step {
		if s.Outcome != 0 || s.computed < s.tokens() { // aborted, or in the middle of its prompt
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
		case s.Generated >= s.MaxTokens || s.tokens() >= e.config.MaxModelLen:
			ev.Finished = append(ev.Finished, e.end(s, Length, now))
		case s.NaturalTokens > 0 && s.Generated >= s.NaturalTokens:
			ev.Finished = append(ev.Finished, e.end(s, Stop, now))
		}
	}
	e.step = e.step[:0]
	e.busy = false
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
