//go:build e2e && linux

package bench

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// What an engine is: so many requests at once, of so many tokens.
const (
	batch        = 32.
	promptTokens = 500.
	answerTokens = 200.
	cacheTokens  = 400_000.
)

// A column is a series that each engine exposes.
type column struct {
	name   string
	labels string // of its own, as JSON
	// exposed are the same as a pod shows them.
	exposed string
}

// A histogram is the columns of one: a bucket for each bound and +Inf, the sum, the count.
type histogram struct {
	first  int
	bounds []float64
}

// A layout is the series of an engine in their order: those that the law needs, with the labels
// and the buckets of vLLM.
type layout struct {
	columns                                                    []column
	running, waiting, usage, size, ended, prompt, cached       int
	firstToken, betweenTokens, perToken, promptLength, answers histogram
}

func newLayout() *layout {
	l := &layout{}
	var lengths []float64
	for _, n := range plant.LengthBuckets() {
		if n > 0 && n <= 131_072 {
			lengths = append(lengths, float64(n))
		}
	}
	l.running, l.waiting = l.add(vllm.NumRequestsRunning), l.add(vllm.NumRequestsWaiting)
	l.usage = l.add(vllm.KVCacheUsagePerc)
	l.size = l.add(vllm.CacheConfigInfo, "block_size", "16", "kv_cache_size_tokens", fmt.Sprint(cacheTokens))
	l.ended = l.add(vllm.RequestSuccessTotal, "finished_reason", "stop")
	l.add(vllm.RequestSuccessTotal, "finished_reason", "length")
	l.add(vllm.RequestSuccessTotal, "finished_reason", "abort")
	l.prompt, l.cached = l.add(vllm.PromptTokensTotal), l.add(vllm.PrefixCacheHitsTotal)
	l.firstToken = l.histogram(vllm.TimeToFirstTokenSeconds, plant.TTFTBuckets())
	l.betweenTokens = l.histogram(vllm.InterTokenLatencySeconds, plant.TokenBuckets())
	l.perToken = l.histogram(vllm.RequestTimePerOutputTokenSeconds, plant.TokenBuckets())
	l.promptLength = l.histogram(vllm.RequestPromptTokens, lengths)
	l.answers = l.histogram(vllm.RequestGenerationTokens, lengths)
	return l
}

// add is the place of a new column, with names and values of labels.
func (l *layout) add(name string, labels ...string) int {
	var text strings.Builder
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(&text, "%q:%q,", labels[i], labels[i+1])
	}
	l.columns = append(l.columns, column{name, text.String(), exposition(labels...)})
	return len(l.columns) - 1
}

func (l *layout) histogram(name string, bounds []float64) histogram {
	h := histogram{len(l.columns), bounds}
	for _, b := range bounds {
		l.add(name+"_bucket", "le", fmt.Sprint(b))
	}
	l.add(name+"_bucket", "le", "+Inf")
	l.add(name + "_sum")
	l.add(name + "_count")
	return h
}

// An engine serves requests, as a fluid.
type engine struct {
	*layout
	at               time.Time // up to which it has served
	running, waiting float64
	values           []float64
}

func newEngine(l *layout, now time.Time) *engine {
	return &engine{layout: l, at: now, values: make([]float64, len(l.columns))}
}

// longest is how much time is taken for even.
const longest = time.Second

// serve goes on until a time, with so many requests per second on the way.
func (e *engine) serve(until time.Time, rate float64) {
	for e.at.Before(until) {
		step := min(until.Sub(e.at), longest)
		e.at = e.at.Add(step)
		e.move(step.Seconds(), rate*step.Seconds())
	}
	e.values[e.layout.running], e.values[e.layout.waiting] = math.Round(e.running), math.Round(e.waiting)
	e.values[e.usage], e.values[e.size] = min(e.running*(promptTokens+answerTokens)/cacheTokens, 1), 1
}

// move is over a short time, in which so many requests arrive. What starts is spread over its
// batch: a third each is faster than the mean, as it, and slower.
func (e *engine) move(seconds, arrive float64) {
	token := .01 + .0008*e.running
	finish := min(e.running, e.running/(answerTokens*token)*seconds)
	e.running -= finish
	start := min(e.waiting+arrive, batch-e.running)
	first := .05 + .003*e.running + e.waiting*answerTokens*token/batch
	e.running, e.waiting = e.running+start, e.waiting+arrive-start
	e.values[e.ended] += finish
	e.values[e.prompt] += start * promptTokens
	e.values[e.cached] += start * promptTokens / 5
	e.observe(e.betweenTokens, token, e.running*seconds/token)
	for _, spread := range [...]float64{.7, 1, 1.3} {
		e.observe(e.firstToken, first*spread, start/3)
		e.observe(e.perToken, token*spread, finish/3)
		e.observe(e.promptLength, promptTokens*spread, finish/3)
		e.observe(e.answers, answerTokens*spread, finish/3)
	}
}

// observe counts a value so many times.
func (e *engine) observe(h histogram, value, times float64) {
	for i, b := range h.bounds {
		if value <= b {
			e.values[h.first+i] += times
		}
	}
	n := h.first + len(h.bounds)
	e.values[n] += times
	e.values[n+1] += value * times
	e.values[n+2] += times
}

// exposed is what a scrape of it reads: what is counted is whole.
func (e *engine) exposed() []float64 {
	all := make([]float64, len(e.values))
	for i, v := range e.values {
		all[i] = v
		if i != e.usage && !strings.HasSuffix(e.columns[i].name, "_sum") {
			all[i] = math.Floor(v)
		}
	}
	return all
}
