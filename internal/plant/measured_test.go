package plant

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestMeasuredRuns replays published runs of vLLM 0.23.0 with Qwen3-14B on one
// H100 (inference-sim/residency-vllm, commit 2641b576: Poisson arrivals, 1024
// tokens in, 128 out, max_num_seqs 256) and holds the distance to what was
// measured there. Nothing is fitted to these runs. The time to the first token
// comes out too short the nearer the load is to what the engine can carry, 17 per
// second: vLLM chooses a step's sequences while the step before still runs, so that
// a prompt which arrives in between waits for one more.
func TestMeasuredRuns(t *testing.T) {
	p, err := FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		perSecond, ttftMillis, itlMillis, e2eMillis float64 // means
	}{
		{2.02, 66.9, 12.33, 1633},
		{6.02, 80.2, 15.25, 2016},
		{10.03, 104.1, 20.44, 2700},
		{12.01, 129.5, 26.29, 3469},
	} {
		ttft, itl, e2e := replay(t, p, c.perSecond)
		for _, m := range []struct {
			name                string
			got, want, relative float64
		}{
			{"TTFT", ttft, c.ttftMillis, 0.22},
			{"inter-token latency", itl, c.itlMillis, 0.06},
			{"E2E", e2e, c.e2eMillis, 0.06},
		} {
			t.Logf("%v/s: mean %s %.1f ms, measured %.1f", c.perSecond, m.name, m.got, m.want)
			if math.Abs(m.got/m.want-1) > m.relative {
				t.Errorf("%v/s: mean %s %.1f ms, measured %.1f, more than %v %% apart", c.perSecond, m.name, m.got, m.want, 100*m.relative)
			}
		}
	}
}

// replay runs ten minutes of load and returns the means in milliseconds.
func replay(t *testing.T, p Profile, perSecond float64) (ttft, itl, e2e float64) {
	e := newEngine(t, Config{
		Cost: p.Cost, KVTokens: p.KVTokens, BlockTokens: 16, MaxModelLen: p.MaxModelLen,
		MaxNumBatchedTokens: p.MaxNumBatchedTokens, MaxNumSeqs: 256,
	})
	random := rand.New(rand.NewPCG(1, 2))
	gap := func() time.Duration { return time.Duration(random.ExpFloat64() / perSecond * float64(time.Second)) }
	arrival, next := gap(), Never
	count := 0.0
	for id := ID(0); arrival < 10*time.Minute || next != Never; {
		now := min(arrival, next)
		var ev Events
		ev, next = e.Step(now)
		for _, f := range ev.Finished {
			count++
			ttft += (f.FirstToken - f.Submitted + FrontEndOverhead).Seconds() * 1e3
			itl += (f.LastToken - f.FirstToken).Seconds() * 1e3 / float64(f.Generated-1)
			e2e += (f.EndedAt - f.Submitted + FrontEndOverhead).Seconds() * 1e3
		}
		if now < arrival {
			continue
		}
		if err := e.Submit(now, Request{ID: id, PromptTokens: 1024, MaxTokens: 128}); err != nil {
			t.Fatal(err)
		}
		_, next = e.Step(now)
		id++
		if arrival += gap(); arrival >= 10*time.Minute {
			arrival = Never
		}
	}
	return ttft / count, itl / count, e2e / count
}

// BenchmarkEngine decodes 100 sequences; one operation is one step.
func BenchmarkEngine(b *testing.B) {
	p, err := FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		b.Fatal(err)
	}
	e, err := NewEngine(Config{
		Cost: p.Cost, KVTokens: p.KVTokens, BlockTokens: 16, MaxModelLen: p.MaxModelLen,
		MaxNumBatchedTokens: p.MaxNumBatchedTokens, MaxNumSeqs: p.MaxNumSeqs, PrefixCaching: true,
	})
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
