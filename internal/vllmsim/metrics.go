package vllmsim

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// metrics are vLLM's series for one engine. Names, types, labels and buckets are
// vLLM's (v1/metrics/loggers.py, docs/usage/metrics.md); docs/vllm-metrics.md lists
// them all.
type metrics struct {
	speed float64 // engine seconds per second

	running, waiting, waitingCapacity, kvUsage        prometheus.Gauge
	queries, hits, preemptions, prompt, generated     prometheus.Counter
	promptComputed, promptHit, promptCached           prometheus.Counter
	outcomes                                          map[plant.Outcome]prometheus.Counter
	ttft, itl, e2e, queue, inference, prefill, decode prometheus.Observer
	tpot, iteration, paramsN, numPreemptions          prometheus.Observer
	promptLen, generatedLen, maxGenerated, maxTokens  prometheus.Observer
	computedLen                                       prometheus.Observer
	hidden                                            *hiddenMetrics // nil unless asked for
}

// hiddenMetrics are names that vLLM has removed, with today's values.
type hiddenMetrics struct {
	kvUsage       prometheus.Gauge
	queries, hits prometheus.Counter
	itl           prometheus.Observer
}

// family creates and registers collectors, all with the labels of one engine.
type family struct{ r prometheus.Registerer }

func (f family) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	f.r.MustRegister(g)
	return g
}

func (f family) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	f.r.MustRegister(c)
	return c
}

func (f family) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	f.r.MustRegister(h)
	return h
}

// with returns a family whose collectors also carry this label.
func (f family) with(label, value string) family {
	return family{prometheus.WrapRegistererWith(prometheus.Labels{label: value}, f.r)}
}

func newMetrics(r prometheus.Registerer, a Args, e plant.Config, speed float64) *metrics {
	r.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	engine := family{r}.with("engine", "0")
	registerCacheConfig(engine, a, e)
	f := engine.with("model_name", a.ServedNames[0])
	m := &metrics{speed: speed}
	m.addScheduler(f)
	m.addLatencies(f)
	m.addLengths(f, e.MaxModelLen)
	if a.ShowHiddenMetrics {
		const removed = "Removed name of "
		m.hidden = &hiddenMetrics{
			kvUsage: f.gauge(vllm.GPUCacheUsagePerc, removed+vllm.KVCacheUsagePerc+"."),
			queries: f.counter(vllm.GPUPrefixCacheQueriesTotal, removed+vllm.PrefixCacheQueriesTotal+"."),
			hits:    f.counter(vllm.GPUPrefixCacheHitsTotal, removed+vllm.PrefixCacheHitsTotal+"."),
			itl:     f.histogram(vllm.TimePerOutputTokenSeconds, removed+vllm.InterTokenLatencySeconds+".", plant.TokenBuckets()),
		}
	}
	return m
}

func (m *metrics) addScheduler(f family) {
	m.running = f.gauge(vllm.NumRequestsRunning, "Requests in the engine's batch.")
	m.waiting = f.gauge(vllm.NumRequestsWaiting, "Requests that wait to be processed, the preempted included.")
	const byReason, byReasonHelp = vllm.NumRequestsWaitingByReason, "Waiting requests by what they wait for."
	m.waitingCapacity = f.with("reason", "capacity").gauge(byReason, byReasonHelp)
	f.with("reason", "deferred").gauge(byReason, byReasonHelp)
	m.kvUsage = f.gauge(vllm.KVCacheUsagePerc, "Share of the KV cache that requests hold; 1 is all of it.")
	for _, state := range []string{"awake", "weights_offloaded", "discard_all"} {
		g := f.with("sleep_state", state).gauge(vllm.EngineSleepState, "1 for the state that the engine is in.")
		if state == "awake" {
			g.Set(1)
		}
	}
	m.queries = f.counter(vllm.PrefixCacheQueriesTotal, "Prompt tokens looked up in the prefix cache.")
	m.hits = f.counter(vllm.PrefixCacheHitsTotal, "Prompt tokens found in the prefix cache.")
	f.counter(vllm.ExternalPrefixCacheQueriesTotal, "Prompt tokens looked up through a KV connector.")
	f.counter(vllm.ExternalPrefixCacheHitsTotal, "Prompt tokens found through a KV connector.")
	f.counter(vllm.MMCacheQueriesTotal, "Items looked up in the multi-modal cache.")
	f.counter(vllm.MMCacheHitsTotal, "Items found in the multi-modal cache.")
	m.preemptions = f.counter(vllm.NumPreemptionsTotal, "Requests that lost their KV blocks to another.")
	m.prompt = f.counter(vllm.PromptTokensTotal, "Prompt tokens whose prefill is complete.")
	const bySource, bySourceHelp = vllm.PromptTokensBySourceTotal, "Prompt tokens by where their KV came from."
	m.promptComputed = f.with("source", "local_compute").counter(bySource, bySourceHelp)
	m.promptHit = f.with("source", "local_cache_hit").counter(bySource, bySourceHelp)
	f.with("source", "external_kv_transfer").counter(bySource, bySourceHelp)
	m.promptCached = f.counter(vllm.PromptTokensCachedTotal, "Prompt tokens that were cached, here or elsewhere.")
	m.generated = f.counter(vllm.GenerationTokensTotal, "Tokens generated.")
	m.outcomes = map[plant.Outcome]prometheus.Counter{}
	const success, successHelp = vllm.RequestSuccessTotal, "Requests that have ended, by reason."
	for _, o := range []plant.Outcome{plant.Stop, plant.Length, plant.Aborted} {
		m.outcomes[o] = f.with("finished_reason", o.String()).counter(success, successHelp)
	}
	f.with("finished_reason", "error").counter(success, successHelp)
	f.with("finished_reason", "repetition").counter(success, successHelp)
}

func (m *metrics) addLatencies(f family) {
	m.ttft = f.histogram(vllm.TimeToFirstTokenSeconds, "Time from arrival to the first token.", plant.TTFTBuckets())
	m.itl = f.histogram(vllm.InterTokenLatencySeconds, "Time between two tokens of a request.", plant.TokenBuckets())
	m.tpot = f.histogram(vllm.RequestTimePerOutputTokenSeconds, "Mean time per token after the first, of each request.", plant.TokenBuckets())
	m.e2e = f.histogram(vllm.E2ERequestLatencySeconds, "Time from arrival to the last token.", plant.RequestBuckets())
	m.queue = f.histogram(vllm.RequestQueueTimeSeconds, "Time spent waiting.", plant.RequestBuckets())
	m.inference = f.histogram(vllm.RequestInferenceTimeSeconds, "Time spent running.", plant.RequestBuckets())
	m.prefill = f.histogram(vllm.RequestPrefillTimeSeconds, "Time from running to the first token.", plant.RequestBuckets())
	m.decode = f.histogram(vllm.RequestDecodeTimeSeconds, "Time from the first token to the last.", plant.RequestBuckets())
}

func (m *metrics) addLengths(f family, maxModelLen int) {
	lengths := oneTwoFive(maxModelLen)
	m.promptLen = f.histogram(vllm.RequestPromptTokens, "Prompt tokens of a request.", lengths)
	m.generatedLen = f.histogram(vllm.RequestGenerationTokens, "Tokens generated for a request.", lengths)
	m.maxGenerated = f.histogram(vllm.RequestMaxNumGenerationTokens, "Most tokens generated for one of a request's answers.", lengths)
	m.maxTokens = f.histogram(vllm.RequestParamsMaxTokens, "The parameter max_tokens of a request.", lengths)
	m.computedLen = f.histogram(vllm.RequestPrefillKVComputedTokens, "Prompt tokens that were computed, not cached.", lengths)
	m.paramsN = f.histogram(vllm.RequestParamsN, "The parameter n of a request.", []float64{1, 2, 5, 10, 20})
	m.numPreemptions = f.histogram(vllm.RequestNumPreemptions, "How often a request was preempted.", []float64{1, 2, 3, 4, 5, 10, 20})
	m.iteration = f.histogram(vllm.IterationTokensTotal, "Tokens per step of the engine.", []float64{
		1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
	})
}

// oneTwoFive is 1, 2, 5, 10, 20, 50, … up to most.
func oneTwoFive(most int) []float64 {
	var buckets []float64
	for scale := 1; ; scale *= 10 {
		for _, mantissa := range []int{1, 2, 5} {
			if mantissa*scale > most {
				return buckets
			}
			buckets = append(buckets, float64(mantissa*scale))
		}
	}
}

// registerCacheConfig exports the cache's settings as labels of a constant 1.
func registerCacheConfig(f family, a Args, e plant.Config) {
	blocks := e.KVTokens / e.BlockTokens
	tokens := blocks * e.BlockTokens
	for label, value := range map[string]string{
		"block_size":                     strconv.Itoa(e.BlockTokens),
		"effective_attention_block_size": strconv.Itoa(e.BlockTokens),
		"num_gpu_blocks":                 strconv.Itoa(blocks),
		"kv_cache_size_tokens":           strconv.Itoa(tokens),
		"kv_cache_max_concurrency":       strconv.FormatFloat(float64(tokens)/float64(e.MaxModelLen), 'f', 2, 64),
		"gpu_memory_utilization":         strconv.FormatFloat(a.GPUMemoryUtilization, 'g', -1, 64),
		"cache_dtype":                    "auto",
		"enable_prefix_caching":          map[bool]string{true: "True", false: "False"}[a.PrefixCaching],
	} {
		f = f.with(label, value)
	}
	f.gauge(vllm.CacheConfigInfo, "Settings of the KV cache.").Set(1)
}

// seconds turns a duration of the engine's into seconds on the wall.
func (m *metrics) seconds(d time.Duration) float64 { return d.Seconds() / m.speed }

// record exports what a call of the engine brought about.
func (m *metrics) record(ev plant.Events, l plant.Load) {
	m.running.Set(float64(l.Running))
	m.waiting.Set(float64(l.Waiting))
	m.waitingCapacity.Set(float64(l.Waiting))
	usage := float64(l.UsedBlocks) / float64(max(1, l.TotalBlocks))
	m.kvUsage.Set(usage)
	m.queries.Add(float64(ev.CacheQueries))
	m.hits.Add(float64(ev.CacheHits))
	m.preemptions.Add(float64(ev.Preemptions))
	if h := m.hidden; h != nil {
		h.kvUsage.Set(usage)
		h.queries.Add(float64(ev.CacheQueries))
		h.hits.Add(float64(ev.CacheHits))
	}
	if len(ev.Tokens) > 0 { // vLLM makes no statistics of a step without a token
		prompts := 0
		for _, t := range ev.Tokens {
			prompts += m.token(t)
		}
		m.prompt.Add(float64(prompts))
		m.generated.Add(float64(len(ev.Tokens)))
		m.iteration.Observe(float64(prompts + len(ev.Tokens)))
	}
}

// token exports one token and returns the prompt tokens whose prefill it completes.
func (m *metrics) token(t plant.Token) int {
	if !t.First {
		m.itl.Observe(m.seconds(t.Latency))
		if m.hidden != nil {
			m.hidden.itl.Observe(m.seconds(t.Latency))
		}
		return 0
	}
	m.ttft.Observe(m.seconds(t.Latency))
	m.promptComputed.Add(float64(t.PromptTokens - t.CachedTokens))
	m.promptHit.Add(float64(t.CachedTokens))
	m.promptCached.Add(float64(t.CachedTokens))
	return t.PromptTokens
}

// finished exports a request that has ended; of one that was aborted only the count.
func (m *metrics) finished(f plant.Finished) {
	m.outcomes[f.Outcome].Inc()
	if f.Outcome == plant.Aborted {
		return
	}
	decode := m.seconds(f.LastToken - f.FirstToken)
	m.e2e.Observe(m.seconds(f.EndedAt - f.Submitted))
	m.queue.Observe(m.seconds(f.Admitted - f.Queued))
	m.inference.Observe(m.seconds(f.LastToken - f.Admitted))
	m.prefill.Observe(m.seconds(f.FirstToken - f.Admitted))
	m.decode.Observe(decode)
	m.tpot.Observe(decode / float64(max(1, f.Generated-1)))
	m.promptLen.Observe(float64(f.PromptTokens))
	m.generatedLen.Observe(float64(f.Generated))
	m.maxGenerated.Observe(float64(f.Generated))
	m.maxTokens.Observe(float64(f.MaxTokens))
	m.computedLen.Observe(float64(f.PromptTokens - f.CachedTokens))
	m.paramsN.Observe(1)
	m.numPreemptions.Observe(float64(f.Preemptions))
}
