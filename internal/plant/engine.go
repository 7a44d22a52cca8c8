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
// clock of the caller's that never runs backwards. Steps are numbered from 1.
type Engine struct {
	config  Config
	cost    exactCost
	random  *rand.Rand
	pool    *blockPool
	meter   Meter
	known   map[ID]*sequence
	running []*sequence // oldest first
	waiting line
	spare   []*sequence // not in use
	ended   []Finished  // since the last call

	partial  *sequence // the running one, and then the last, whose prompt is not all computed
	decodes  decodes
	ends     endHeap // all that decode
	admitted int64   // sequences, ever

	done, chosen int64   // the last step that has ended, and that has been chosen
	steps        [2]step // those between, in flight first
	now, endsAt  instant // when the step in flight began, and ends
	steady       bool    // the next choice is the last one again, unless something happens
	stuck        bool    // the head of the queue has come and was not admitted
	refused      refusal
	ending       []*sequence
}

// A step is what the GPU works on, as far as it has results.
type step struct {
	took picos
	// A token come of it: one for each of that many sequences which had one in the
	// step before, for those whose prompt it completes, and for those that were
	// preempted since it was chosen.
	decodes    int
	prefills   []*sequence
	stragglers []*sequence
}

// A refusal is that of a sequence for want of blocks. It holds as long as the pool is
// the same, or only gives blocks out.
type refusal struct {
	head    *sequence
	changes int // of the pool
}

// NewEngine starts an idle engine.
func NewEngine(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Engine{
		config: c, cost: c.cost(), random: rand.New(rand.NewPCG(c.Seed, 0)),
		pool: newBlockPool(c.totalBlocks()), meter: newMeter(), known: map[ID]*sequence{},
		decodes: newDecodes(c.BlockTokens),
	}, nil
}

// Load is what an engine holds.
type Load struct {
	Running, Waiting        int
	UsedBlocks, TotalBlocks int
}

// Load is what the engine holds now; waiting includes the preempted.
func (e *Engine) Load() Load {
	return Load{len(e.running), e.waiting.len(), e.pool.used(), e.pool.total}
}

// Meter is what the engine has counted, to be read and not changed.
func (e *Engine) Meter() *Meter { return &e.meter }

// Submit puts a request at the end of the waiting queue. The caller has let the
// engine run up to now.
func (e *Engine) Submit(now time.Duration, r Request) error {
	switch {
	case e.known[r.ID] != nil:
		return fmt.Errorf("request %d is already there", r.ID)
	case r.PromptTokens < 1 || r.PromptTokens >= e.config.MaxModelLen:
		return fmt.Errorf("a prompt of %d tokens does not fit: 1 to %d leave room for an answer", r.PromptTokens, e.config.MaxModelLen-1)
	case r.MaxTokens < 1:
		return fmt.Errorf("max tokens is %d, must be at least 1", r.MaxTokens)
	}
	s := e.newSequence()
	s.Request, s.Submitted = r, now
	s.Queued = now + e.config.FrontEnd + time.Duration(len(e.running))*e.config.FrontEndPerSequence
	if n := len(e.waiting.all); e.waiting.len() > 0 { // none overtakes another
		s.Queued = max(s.Queued, e.waiting.all[n-1].Queued)
	}
	// vLLM looks at the length before the end token (check_stop).
	s.ends = min(r.MaxTokens, e.config.MaxModelLen-r.PromptTokens)
	if r.NaturalTokens > 0 && r.NaturalTokens < s.ends {
		s.ends, s.stops = r.NaturalTokens, true
	}
	e.known[r.ID] = s
	e.waiting.push(s)
	return nil
}

func (e *Engine) newSequence() *sequence {
	last := len(e.spare) - 1
	if last < 0 {
		return &sequence{}
	}
	s := e.spare[last]
	e.spare = e.spare[:last]
	return s
}

// Abort takes a request back at once. It reports false for a request that is not
// there, such as one that has ended. The caller has let the engine run up to now.
func (e *Engine) Abort(now time.Duration, id ID) (Finished, bool) {
	s := e.known[id]
	if s == nil {
		return Finished{}, false
	}
	e.steady = false
	for i := range e.chosen - e.done { // what is in flight goes on without it
		at, p := &e.steps[i], e.done+1+i
		if s.decoding && p > s.firstStep && p <= s.endStep {
			at.decodes--
		}
		same := func(other *sequence) bool { return other == s }
		at.prefills = slices.DeleteFunc(at.prefills, same)
		before := len(at.stragglers)
		at.stragglers = slices.DeleteFunc(at.stragglers, same)
		at.decodes -= before - len(at.stragglers)
	}
	if s.decoding {
		e.settle(s)
	}
	e.waiting.remove(s)
	return e.end(s, Aborted, now), true
}

// end gives back what the sequence holds and forgets it.
func (e *Engine) end(s *sequence, o Outcome, now time.Duration) Finished {
	s.Outcome, s.EndedAt = o, now
	e.release(s)
	if i := slices.Index(e.running, s); i >= 0 {
		e.running = slices.Delete(e.running, i, i+1)
	}
	delete(e.known, s.ID)
	e.refused = refusal{}
	f := s.Finished
	e.meter.finished(&f)
	*s = sequence{blocks: s.blocks[:0]}
	e.spare = append(e.spare, s)
	return f
}

// settle writes down how far a decoding sequence has come.
func (e *Engine) settle(s *sequence) {
	if n := s.generatedAfter(e.done); n > s.Generated {
		s.Generated, s.LastToken = n, e.now.nanos
	}
}

// release gives all blocks back, the last first, so that the start of a prompt stays
// in the prefix cache longest, and takes the sequence out of whatever it is part of.
func (e *Engine) release(s *sequence) {
	e.steady = false
	e.pool.release(e.held(s) - len(s.blocks))
	for _, b := range slices.Backward(s.blocks) {
		if b == unnamed {
			e.pool.release(1)
		} else {
			e.pool.unshare(b)
		}
	}
	s.blocks, s.computed = s.blocks[:0], 0
	if s.member {
		e.decodes.add(s, -1)
	}
	if s.decoding {
		e.ends.remove(s)
		s.decoding = false
	}
	if e.partial == s {
		e.partial = nil
	}
}

// held is how many blocks the sequence has.
func (e *Engine) held(s *sequence) int {
	if !s.decoding {
		return e.config.blocksFor(s.computed)
	}
	last := min(e.chosen, s.leaves(e.config.AsyncScheduling))
	return e.config.blocksFor(s.PromptTokens + int(last-1-s.offset))
}
