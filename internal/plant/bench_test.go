package plant

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkRequests runs requests of 1000 tokens in and 250 out at 2.5 per second; one
// operation is one request. The design's aim is 10,000 of them on four such engines
// in 0.05 s, which is 5 µs each.
func BenchmarkRequests(b *testing.B) {
	e, err := NewEngine(serving(qwen14B(b)))
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var now time.Duration
	var id ID
	for b.Loop() {
		now += time.Duration(random.ExpFloat64() / 2.5 * float64(time.Second))
		e.Advance(now)
		if err := e.Submit(now, Request{ID: id, PromptTokens: 1000, MaxTokens: 250}); err != nil {
			b.Fatal(err)
		}
		id++
	}
	b.ReportMetric(now.Seconds()/b.Elapsed().Seconds(), "simulated-s/s")
	b.ReportAllocs()
}

// BenchmarkPrefixes is the same where each prompt has hashes, half of them shared.
func BenchmarkPrefixes(b *testing.B) {
	c := serving(qwen14B(b))
	c.PrefixCaching = true
	e, err := NewEngine(c)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var now time.Duration
	var id ID
	hashes := make([]uint64, 62)
	for b.Loop() {
		now += time.Duration(random.ExpFloat64() / 2.5 * float64(time.Second))
		e.Advance(now)
		if id%32 == 0 {
			hashes = make([]uint64, 32*62)
		}
		mine := hashes[id%32*62:][:62]
		for i := range mine {
			mine[i] = uint64(i + 1)
			if i > 31 {
				mine[i] += uint64(id+1) << 32
			}
		}
		if err := e.Submit(now, Request{ID: id, PromptTokens: 1000, MaxTokens: 250, BlockHashes: mine}); err != nil {
			b.Fatal(err)
		}
		id++
	}
	b.ReportAllocs()
}

// BenchmarkStep decodes 100 sequences token by token; one operation is one step.
func BenchmarkStep(b *testing.B) {
	e, err := NewEngine(serving(qwen14B(b)))
	if err != nil {
		b.Fatal(err)
	}
	next, id := time.Duration(0), ID(0)
	for b.Loop() {
		for e.Load().Running+e.Load().Waiting < 100 {
			if err := e.Submit(next, Request{ID: id, PromptTokens: 1000, MaxTokens: 1000}); err != nil {
				b.Fatal(err)
			}
			id++
		}
		_, next = e.Step(next)
	}
}

// TestMemory runs a million requests through a fleet of eight: what it holds afterwards
// must not depend on how many there were. The design allows 300 MB.
func TestMemory(t *testing.T) {
	requests := ID(1_000_000)
	if testing.Short() {
		requests = 100_000
	}
	f := newFleet(t, nil)
	if err := f.Prime(0, 8); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	random := rand.New(rand.NewPCG(1, 1))
	at, ended, before := time.Duration(0), 0, uint64(0)
	for id := range requests {
		if id == requests/10 {
			before = heap()
		}
		at += time.Duration(random.ExpFloat64() * float64(25*time.Millisecond))
		ended += len(f.Advance(at))
		f.Offer(at, Request{ID: id + 1, PromptTokens: 1000, MaxTokens: 250}, 0)
	}
	after := heap()
	t.Logf("%d requests, %d ended: %.1f MB after a tenth, %.1f MB after all", requests, ended, float64(before)/1e6, float64(after)/1e6)
	if after > before+5e6 || after > 300e6 {
		t.Errorf("memory grows with the number of finished requests: %d bytes, then %d", before, after)
	}
	runtime.KeepAlive(f)
}
