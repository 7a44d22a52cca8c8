package plant

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small is an engine whose arithmetic fits in the head: a step takes 10 ms and
// 1 ms per prefill token; 16 blocks of 4 tokens.
func small() Config {
	return Config{
		Cost:     StepCost{AlphaDMillis: 9.4, AlphaMMillis: 9.4, BetaMicros: 1000}, // 10 ms with the scheduler's own
		KVTokens: 64, BlockTokens: 4, MaxModelLen: 40, MaxNumBatchedTokens: 16, MaxNumSeqs: 4,
	}
}

func newEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	e, err := NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// run submits all requests at once and prints each step, by the time since then, until
// the engine is idle.
func run(t *testing.T, e *Engine, requests ...Request) string {
	t.Helper()
	began := e.now.nanos
	for _, r := range requests {
		if err := e.Submit(began, r); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	for now := began; now != Never; {
		ev, next := e.Step(now)
		if ev.StepEnded {
			fmt.Fprintf(&b, "%v:", (now - began).Round(time.Millisecond))
			for _, tok := range ev.Tokens {
				fmt.Fprintf(&b, " %d", tok.ID)
			}
			for _, f := range ev.Finished {
				fmt.Fprintf(&b, " %d=%v/%d", f.ID, f.Outcome, f.Generated)
			}
			b.WriteString("\n")
		}
		if ev.Preemptions > 0 {
			fmt.Fprintf(&b, "preempted %d\n", ev.Preemptions)
		}
		if l := e.Load(); ev.StepEnded && l.UsedBlocks == 0 && next != Never {
			t.Fatalf("a step of nothing: %+v", l)
		}
		now = next
	}
	if l := e.Load(); l != (Load{TotalBlocks: l.TotalBlocks}) {
		t.Errorf("idle engine holds %+v", l)
	}
	return b.String()
}

// Each case is one rule of the scheduler, worked by hand.
func TestSchedule(t *testing.T) {
	with := func(change func(*Config)) Config { c := small(); change(&c); return c }
	for _, c := range []struct {
		name     string
		config   Config
		requests []Request
		want     string
	}{
		{
			"the first token comes from the step that completes the prompt", small(),
			[]Request{{ID: 1, PromptTokens: 8, MaxTokens: 3}},
			"18ms: 1\n28ms: 1\n38ms: 1 1=length/3\n",
		},
		{
			"a model that ends by itself stops; the length is looked at first", small(),
			[]Request{{ID: 1, PromptTokens: 8, MaxTokens: 9, NaturalTokens: 2}, {ID: 2, PromptTokens: 8, MaxTokens: 2, NaturalTokens: 2}},
			"26ms: 1 2\n36ms: 1 2 1=stop/2 2=length/2\n",
		},
		{
			"a prompt beyond the budget is chunked and decodes go on beside it", small(),
			// 16 of 24 tokens; then the other 8 and 2 of the second prompt's 4 … 16 − 8 = 8 left, so all 4.
			[]Request{{ID: 1, PromptTokens: 24, MaxTokens: 2}, {ID: 2, PromptTokens: 4, MaxTokens: 2}},
			"26ms:\n48ms: 1 2\n58ms: 1 2 1=length/2 2=length/2\n",
		},
		{
			"the prompt fills what decodes leave of the budget", with(func(c *Config) { c.MaxNumBatchedTokens = 4 }),
			// 4 tokens each step: 1 decode and 3 of the second prompt's 6.
			[]Request{{ID: 1, PromptTokens: 4, MaxTokens: 4}, {ID: 2, PromptTokens: 6, MaxTokens: 1}},
			"14ms: 1\n27ms: 1\n40ms: 1 2 2=length/1\n50ms: 1 1=length/4\n",
		},
		{
			"max_num_seqs keeps the third waiting", with(func(c *Config) { c.MaxNumSeqs = 2 }),
			[]Request{{ID: 1, PromptTokens: 2, MaxTokens: 1}, {ID: 2, PromptTokens: 2, MaxTokens: 2}, {ID: 3, PromptTokens: 2, MaxTokens: 1}},
			"14ms: 1 2 1=length/1\n26ms: 2 3 2=length/2 3=length/1\n",
		},
		{
			"the head of the queue that does not fit holds back the small one behind it",
			with(func(c *Config) { c.KVTokens = 40; c.MaxNumBatchedTokens = 32 }),
			// Ten blocks: 5 held by 1 (20 tokens), 6 needed by 2, 1 by 3.
			[]Request{{ID: 1, PromptTokens: 19, MaxTokens: 2}, {ID: 2, PromptTokens: 24, MaxTokens: 1}, {ID: 3, PromptTokens: 2, MaxTokens: 1}},
			"29ms: 1\n39ms: 1 1=length/2\n75ms: 2 3 2=length/1 3=length/1\n",
		},
		{
			"without a free block the newest is preempted and computes all again",
			with(func(c *Config) { c.KVTokens = 40; c.MaxNumBatchedTokens = 40 }),
			// Ten blocks, 5 each. At 21 tokens both want a sixth: 2 goes, and comes back
			// with 20 + 1 tokens to compute when 1 has ended.
			[]Request{{ID: 1, PromptTokens: 20, MaxTokens: 3}, {ID: 2, PromptTokens: 20, MaxTokens: 2}},
			"50ms: 1 2\npreempted 1\n60ms: 1\n70ms: 1 1=length/3\n101ms: 2 2=length/2\n",
		},
		{
			"the model length ends a request", with(func(c *Config) { c.MaxModelLen = 10 }),
			[]Request{{ID: 1, PromptTokens: 8, MaxTokens: 30}},
			"18ms: 1\n28ms: 1 1=length/2\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, run(t, newEngine(t, c.config), c.requests...)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The second of two equal prompts computes only what lies after the last full
// block that both share; another prompt shares nothing.
func TestPrefixCache(t *testing.T) {
	c := small()
	c.PrefixCaching = true
	e := newEngine(t, c)
	same := []uint64{11, 12, 13}
	if got, want := run(t, e, Request{ID: 1, PromptTokens: 14, MaxTokens: 1, BlockHashes: same}), "24ms: 1 1=length/1\n"; got != want {
		t.Errorf("first: %q, want %q", got, want)
	}
	// 12 of 14 tokens are known: 10 + 2 ms. A prompt of exactly 12 recomputes its last block.
	if got, want := run(t, e, Request{ID: 2, PromptTokens: 14, MaxTokens: 1, BlockHashes: same}), "12ms: 2 2=length/1\n"; got != want {
		t.Errorf("second: %q, want %q", got, want)
	}
	if got, want := run(t, e, Request{ID: 3, PromptTokens: 12, MaxTokens: 1, BlockHashes: same}), "14ms: 3 3=length/1\n"; got != want {
		t.Errorf("fully cached: %q, want %q", got, want)
	}
	// 40 − 1 tokens take 10 of 16 blocks, twice: the three cached ones are overwritten.
	run(t, e, Request{ID: 4, PromptTokens: 39, MaxTokens: 1}, Request{ID: 5, PromptTokens: 39, MaxTokens: 1})
	if got, want := run(t, e, Request{ID: 6, PromptTokens: 14, MaxTokens: 1, BlockHashes: same}), "24ms: 6 6=length/1\n"; got != want {
		t.Errorf("after eviction: %q, want %q", got, want)
	}
}

func TestPrefixCacheCounts(t *testing.T) {
	c := small()
	c.PrefixCaching = true
	e := newEngine(t, c)
	for id := range ID(2) {
		if err := e.Submit(0, Request{ID: id, PromptTokens: 9, MaxTokens: 1, BlockHashes: []uint64{1, 2}}); err != nil {
			t.Fatal(err)
		}
	}
	// Admitted in the same step, the second already finds the first one's blocks.
	ev, _ := e.Step(0)
	if ev.CacheQueries != 18 || ev.CacheHits != 8 {
		t.Errorf("queries %d, hits %d, want 18, 8", ev.CacheQueries, ev.CacheHits)
	}
	if l := e.Load(); l.UsedBlocks != 4 {
		t.Errorf("two prompts that share two blocks use %d, want 4", l.UsedBlocks)
	}
}

func TestAbort(t *testing.T) {
	e := newEngine(t, small())
	for id := range ID(2) {
		if err := e.Submit(0, Request{ID: id, PromptTokens: 8, MaxTokens: 9}); err != nil {
			t.Fatal(err)
		}
	}
	_, next := e.Step(0)
	if f, ok := e.Abort(time.Millisecond, 0); !ok || f.Outcome != Aborted || f.EndedAt != time.Millisecond {
		t.Errorf("Abort = %+v, %v", f, ok)
	}
	if _, ok := e.Abort(time.Millisecond, 0); ok {
		t.Error("a request was aborted twice")
	}
	ev, _ := e.Step(next)
	if len(ev.Tokens) != 1 || ev.Tokens[0].ID != 1 {
		t.Errorf("after the abort: %+v, want a token for 1 only", ev.Tokens)
	}
}

func TestSubmitRefuses(t *testing.T) {
	e := newEngine(t, small())
	if err := e.Submit(0, Request{ID: 1, PromptTokens: 1, MaxTokens: 1}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		request Request
		want    string
	}{
		{Request{ID: 1, PromptTokens: 1, MaxTokens: 1}, "request 1 is already there"},
		{Request{ID: 2, PromptTokens: 40, MaxTokens: 1}, "a prompt of 40 tokens does not fit: 1 to 39 leave room for an answer"},
		{Request{ID: 2, PromptTokens: 0, MaxTokens: 1}, "a prompt of 0 tokens does not fit: 1 to 39 leave room for an answer"},
		{Request{ID: 2, PromptTokens: 1}, "max tokens is 0, must be at least 1"},
	} {
		if err := e.Submit(0, c.request); err == nil || err.Error() != c.want {
			t.Errorf("Submit(%+v) = %v, want %s", c.request, err, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.MaxNumSeqs = 0 }, "max_num_seqs is 0, must be at least 1"},
		{func(c *Config) { c.MaxNumBatchedTokens = 2 }, "max_num_batched_tokens (2) must be greater than or equal to max_num_seqs (4)"},
		{func(c *Config) { c.KVTokens = 39 }, "one request of max_model_len (40) tokens needs more KV cache than the 39 tokens that there are"},
		{func(c *Config) { c.KVTokens = -5 }, "one request of max_model_len (40) tokens needs more KV cache than the 0 tokens that there are"},
		{func(c *Config) { c.Jitter = 2 }, "jitter is 2, must be from 0 to 1"},
	} {
		config := small()
		c.change(&config)
		if _, err := NewEngine(config); err == nil || err.Error() != c.want {
			t.Errorf("NewEngine = %v, want %s", err, c.want)
		}
	}
}

// Jitter stays within its share of the step and follows its seed.
func TestJitter(t *testing.T) {
	c := small()
	c.Jitter, c.Seed = 0.2, 7
	first := run(t, newEngine(t, c), Request{ID: 1, PromptTokens: 8, MaxTokens: 30})
	if again := run(t, newEngine(t, c), Request{ID: 1, PromptTokens: 8, MaxTokens: 30}); first != again {
		t.Errorf("same seed:\n%s\n%s", first, again)
	}
	c.Seed = 8
	if other := run(t, newEngine(t, c), Request{ID: 1, PromptTokens: 8, MaxTokens: 30}); first == other {
		t.Error("another seed, the same steps")
	}
	e := newEngine(t, c)
	if err := e.Submit(0, Request{ID: 1, PromptTokens: 1, MaxTokens: 39}); err != nil {
		t.Fatal(err)
	}
	last, next := time.Duration(0), time.Duration(0)
	for {
		last = next
		if _, next = e.Step(last); next == Never {
			return
		}
		if took := next - last; took < 8*time.Millisecond || took > 14*time.Millisecond {
			t.Fatalf("a step of 10 ms took %v", took)
		}
	}
}

// The router observes a TTFT when the response has ended, and none of one that is aborted;
// vLLM at the first token.
func TestRouterObservesAtTheEnd(t *testing.T) {
	e, err := NewEngine(serving(qwen14B(t)))
	if err != nil {
		t.Fatal(err)
	}
	for id := range ID(2) {
		if err := e.Submit(0, Request{ID: id, PromptTokens: 100, MaxTokens: 500}); err != nil {
			t.Fatal(err)
		}
	}
	e.Advance(time.Second)
	if m := e.Meter(); m.TTFT.Count() != 2 || m.RouterTTFT.Count() != 0 {
		t.Errorf("after the first tokens %d and %d TTFTs, want 2 of vLLM's and none of the router's", m.TTFT.Count(), m.RouterTTFT.Count())
	}
	e.Abort(time.Second, 1)
	ended := e.Advance(time.Minute)
	if m := e.Meter(); len(ended) != 1 || m.RouterTTFT.Count() != 1 || m.RouterTTFT.Sum != ended[0].FirstToken {
		t.Errorf("after %d ended %d TTFTs of the router's, %v in all", len(ended), m.RouterTTFT.Count(), m.RouterTTFT.Sum)
	}
}
