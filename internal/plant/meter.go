package plant

import (
	"math"
	"time"
)

// A Meter is what an engine has counted since it started, as vLLM's counters and
// histograms do.
type Meter struct {
	PromptTokens     int // of prompts that have been computed
	GenerationTokens int
	// Steps count those of which at least one token came: vLLM observes
	// vllm:iteration_tokens_total for these alone (v1/engine/async_llm.py).
	Steps int
	// CacheQueries and CacheHits count prompt tokens looked up in the prefix cache for
	// requests admitted the first time.
	CacheQueries, CacheHits int
	Preemptions             int

	Ended [numOutcomes]int // requests
	// EndedPromptTokens and EndedGenerationTokens are of those not aborted, as are
	// PromptLengths and GenerationLengths: how many had so many tokens, by the buckets of
	// LengthBuckets.
	EndedPromptTokens, EndedGenerationTokens int
	PromptLengths, GenerationLengths         [numLengths + 1]uint64

	TTFT, ITL, TPOT, E2E, Queue Histogram
	// RouterTTFT and RouterTPOT are TTFT and TPOT in the buckets of llm-d's router, which
	// observes both when a response has ended (github.com/llm-d/llm-d-router
	// pkg/epp/handlers/response.go), so that a TTFT is known a whole answer late. It counts
	// from when the router got the request (pkg/epp/metrics, RecordRequestTTFT), so that the
	// time for which one is held in front is in it.
	RouterTTFT, RouterTPOT Histogram
}

func newMeter() Meter {
	return Meter{
		TTFT: NewHistogram(TTFTBuckets()), ITL: NewHistogram(TokenBuckets()), TPOT: NewHistogram(TokenBuckets()),
		E2E: NewHistogram(RequestBuckets()), Queue: NewHistogram(RequestBuckets()),
		RouterTTFT: NewHistogram(routerTTFTBuckets()), RouterTPOT: NewHistogram(routerTPOTBuckets()),
	}
}

// Clone is a copy that does not change any more. It takes the place of one that is not
// needed any more.
func (m *Meter) Clone(old Meter) Meter {
	c := *m
	into := old.histograms()
	for i, h := range c.histograms() {
		h.Counts = append(into[i].Counts[:0], h.Counts...)
	}
	return c
}

func (m *Meter) histograms() [7]*Histogram {
	return [...]*Histogram{&m.TTFT, &m.ITL, &m.TPOT, &m.E2E, &m.Queue, &m.RouterTTFT, &m.RouterTPOT}
}

// tokens counts tokens after the first, each of which came so long after the one
// before it; nanos is the same as the clock shows it.
func (m *Meter) tokens(n int, gap picos, nanos time.Duration) {
	if n <= 0 {
		return
	}
	m.GenerationTokens += n
	m.ITL.observe(n, gap)
	m.ITL.Sum += time.Duration(n) * nanos
}

// decodeSteps counts as many tokens in each of n steps, of which the first takes
// first, each longer by growth than the one before, and all together nanos.
func (m *Meter) decodeSteps(tokens, n int, first, growth picos, nanos time.Duration) {
	m.GenerationTokens += tokens * n
	m.Steps += n
	m.ITL.Sum += time.Duration(tokens) * nanos
	for n > 0 {
		bucket := m.ITL.bucket(first)
		within := n // steps that fall into the bucket too
		if bucket < len(m.ITL.bounds) && growth > 0 {
			within = int(min(picos(n), (m.ITL.bounds[bucket]-first)/growth+1))
		}
		m.ITL.Counts[bucket] += uint64(tokens * within)
		n -= within
		first += growth * picos(within)
	}
}

func (m *Meter) first(promptTokens int, after time.Duration) {
	m.GenerationTokens++
	m.PromptTokens += promptTokens
	m.TTFT.Observe(after)
}

func (m *Meter) finished(f *Finished) {
	m.Ended[f.Outcome]++
	if f.Outcome == Aborted {
		return
	}
	m.EndedPromptTokens += f.PromptTokens
	m.EndedGenerationTokens += f.Generated
	m.PromptLengths[lengthBucket(f.PromptTokens)]++
	m.GenerationLengths[lengthBucket(f.Generated)]++
	m.E2E.Observe(f.EndedAt - f.Submitted)
	m.Queue.Observe(f.Admitted - f.Queued)
	m.RouterTTFT.Observe(f.FirstToken - f.Submitted + f.Held)
	if f.Generated > 1 {
		mean := (f.LastToken - f.FirstToken) / time.Duration(f.Generated-1)
		m.TPOT.Observe(mean)
		m.RouterTPOT.Observe(mean)
	}
}

// A Histogram counts durations in buckets. Counts has one more than Upper, for those
// beyond all, and is not cumulative.
type Histogram struct {
	Upper  []float64 // seconds
	Counts []uint64
	Sum    time.Duration
	bounds []picos
}

// NewHistogram is empty; the upper bounds, in seconds, ascend.
func NewHistogram(upper []float64) Histogram {
	h := Histogram{Upper: upper, Counts: make([]uint64, len(upper)+1), bounds: make([]picos, len(upper))}
	for i, u := range upper {
		h.bounds[i] = picos(math.Round(u * 1e12))
	}
	return h
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	h.Sum += d
	h.observe(1, picos(min(d, maxObserved))*picosPerNano)
}

// maxObserved is beyond all buckets, and small enough for picos.
const maxObserved = 1000 * time.Hour

func (h *Histogram) observe(n int, d picos) { h.Counts[h.bucket(d)] += uint64(n) }

func (h *Histogram) bucket(d picos) int {
	for i, b := range h.bounds {
		if d <= b {
			return i
		}
	}
	return len(h.bounds)
}

// Count is how many durations there were.
func (h *Histogram) Count() uint64 {
	n := uint64(0)
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// TTFTBuckets are those of vLLM's vllm:time_to_first_token_seconds.
func TTFTBuckets() []float64 {
	return []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
}

// TokenBuckets are those of vLLM's vllm:inter_token_latency_seconds and
// vllm:request_time_per_output_token_seconds.
func TokenBuckets() []float64 {
	return []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
}

// numLengths is how many bounds LengthBuckets has.
const numLengths = 24

// LengthBuckets are the upper bounds of vLLM's vllm:request_prompt_tokens and
// vllm:request_generation_tokens, in tokens: 1, 2, 5, 10, … It ends them at the model
// length; the buckets beyond are empty here.
func LengthBuckets() [numLengths]int {
	var all [numLengths]int
	for i, scale := 0, 1; i < numLengths; i, scale = i+3, scale*10 {
		all[i], all[i+1], all[i+2] = scale, 2*scale, 5*scale
	}
	return all
}

func lengthBucket(tokens int) int {
	scale := 1
	for i := 0; i < numLengths; i, scale = i+3, scale*10 {
		switch {
		case tokens <= scale:
			return i
		case tokens <= 2*scale:
			return i + 1
		case tokens <= 5*scale:
			return i + 2
		}
	}
	return numLengths
}

// RequestBuckets are those of vLLM's vllm:e2e_request_latency_seconds and of the
// other histograms of a request's times.
func RequestBuckets() []float64 {
	return []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
}

// routerTTFTBuckets and routerTPOTBuckets are those of llm_d_epp_request_ttft_seconds
// and llm_d_epp_request_streaming_tpot_seconds (github.com/llm-d/llm-d-router
// pkg/epp/metrics/metrics.go).
func routerTTFTBuckets() []float64 {
	return []float64{.005, .025, .05, .1, .2, .4, .6, .8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120}
}

func routerTPOTBuckets() []float64 {
	return []float64{.0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125, .15, .2, .3, .4, .5, .6, .8, 1, 2}
}
