package plant

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzEngine plays any sequence of submissions, aborts and steps, and checks
// INV-1, INV-2, INV-3, INV-4 and INV-5.
func FuzzEngine(f *testing.F) {
	f.Add([]byte{8, 3, 2, 1, 20, 9, 0, 0, 31, 200, 1, 5})
	f.Add([]byte("a prompt, an answer, and a preemption or two beside them"))
	f.Add([]byte{24, 240, 24, 240, 24, 240, 24, 240, 2, 2, 2, 2, 3, 1, 2, 2, 2, 24, 24, 24})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 400 {
			return
		}
		if diff := cmp.Diff(play(t, ops), play(t, ops)); diff != "" {
			t.Errorf("INV-4: the same calls gave other events\n%s", diff)
		}
	})
}

// player submits to an engine and remembers what came of it.
type player struct {
	t        *testing.T
	e        *Engine
	now      time.Duration
	nextID   ID
	produced map[ID]int
	ended    map[ID]Outcome
	all      []Events
}

func play(t *testing.T, ops []byte) []Events {
	c := small()
	c.KVTokens, c.PrefixCaching, c.Jitter = 48, true, 0.5
	c.AsyncScheduling = len(ops)%2 == 0
	p := &player{t: t, e: newEngine(t, c), produced: map[ID]int{}, ended: map[ID]Outcome{}}
	for i := 0; i+1 < len(ops); i += 2 {
		switch a, b := ops[i], ops[i+1]; a % 4 {
		case 0, 1:
			p.submit(int(a), int(b))
		case 2:
			if f, ok := p.e.Abort(p.now, ID(b%16)); ok {
				p.end(f)
			}
		case 3:
			p.step(p.now + time.Duration(b)*time.Millisecond)
		}
		p.check()
	}
	for range 10000 { // INV-3: it comes to an end by itself
		next := p.step(p.now)
		p.check()
		if next == Never {
			break
		}
		p.now = max(p.now, next) // a late player catches up first
	}
	if len(p.ended) != int(p.nextID) {
		t.Errorf("INV-1: %d requests, %d ended", p.nextID, len(p.ended))
	}
	if l := p.e.Load(); l != (Load{TotalBlocks: 12}) {
		t.Errorf("INV-2: at rest the engine holds %+v", l)
	}
	return p.all
}

func (p *player) submit(a, b int) {
	r := Request{ID: p.nextID, PromptTokens: 1 + a/4%39, MaxTokens: 1 + b%24, NaturalTokens: b / 24}
	for block := range r.PromptTokens / 4 {
		r.BlockHashes = append(r.BlockHashes, uint64(1+block+100*(b%3)))
	}
	if err := p.e.Submit(p.now, r); err != nil {
		p.t.Fatalf("Submit(%+v) = %v", r, err)
	}
	p.nextID++
}

func (p *player) step(now time.Duration) time.Duration {
	p.now = now
	ev, next := p.e.Step(now)
	p.all = append(p.all, ev)
	for _, tok := range ev.Tokens {
		if tok.First != (p.produced[tok.ID] == 0) || p.ended[tok.ID] != 0 || tok.Latency <= 0 {
			p.t.Fatalf("INV-5: %+v after %d tokens, outcome %v", tok, p.produced[tok.ID], p.ended[tok.ID])
		}
		p.produced[tok.ID]++
	}
	for _, f := range ev.Finished {
		p.end(f)
	}
	return next
}

func (p *player) end(f Finished) {
	if p.ended[f.ID] != 0 {
		p.t.Fatalf("INV-1: request %d ended as %v and as %v", f.ID, p.ended[f.ID], f.Outcome)
	}
	p.ended[f.ID] = f.Outcome
	if f.Generated != p.produced[f.ID] || f.Generated > f.MaxTokens || f.PromptTokens+f.Generated > 40 {
		p.t.Fatalf("INV-5: %+v after %d tokens", f, p.produced[f.ID])
	}
	times := []time.Duration{f.Submitted, f.Admitted, f.FirstToken, f.LastToken, f.EndedAt}
	if f.Outcome != Aborted && !slices.IsSorted(times) {
		p.t.Fatalf("times out of order: %+v", f)
	}
}

// check recounts the blocks from who holds them.
func (p *player) check() {
	e := p.e
	held, holders := 0, map[int32]int{}
	for _, s := range e.running {
		blocks := e.held(s)
		if len(s.blocks) > blocks {
			p.t.Fatalf("request %d has names for %d of its %d blocks", s.ID, len(s.blocks), blocks)
		}
		held += blocks
		for _, b := range s.blocks {
			if b != unnamed {
				holders[b]++
			}
		}
	}
	for b, n := range holders {
		held -= n - 1 // one block, however many hold it
		if e.pool.runs[b].holders != n {
			p.t.Fatalf("INV-2: block %d has %d holders, counts %d", b, n, e.pool.runs[b].holders)
		}
	}
	p.checkFree(held, len(holders))
	for _, s := range e.waiting.all[e.waiting.head:] {
		if e.held(s) > 0 || len(s.blocks) > 0 {
			p.t.Fatalf("INV-2: waiting request %d holds %v", s.ID, s.blocks)
		}
	}
	if len(e.running)+e.waiting.len() != len(e.known) || len(e.running) > e.config.MaxNumSeqs {
		p.t.Fatalf("INV-1: %d running, %d waiting, %d known", len(e.running), e.waiting.len(), len(e.known))
	}
}

// checkFree walks the list of free blocks.
func (p *player) checkFree(held, named int) {
	pool, free := p.e.pool, 0
	for b := pool.runs[0].next; b != 0; b = pool.runs[b].next {
		r := pool.runs[b]
		if free += r.count; r.holders != 0 || r.count < 1 {
			p.t.Fatalf("INV-2: %+v is in the list of free blocks", r)
		}
		if r.hash != 0 {
			named++
		}
	}
	if free != pool.free || free+held != pool.total || named != len(pool.byHash) {
		p.t.Fatalf("INV-2: %d free (%d counted) and %d held of %d, %d named of %d", free, pool.free, held, pool.total, named, len(pool.byHash))
	}
}
