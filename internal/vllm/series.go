package vllm

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// families are the names under which vLLM 0.11 and later exposes what it measures, and
// llm-d's router what it does. A histogram's series are name_bucket, name_sum and
// name_count.
var families = map[reading.Family]string{
	reading.EngineRunning: NumRequestsRunning,
	reading.EngineWaiting: NumRequestsWaiting,
	reading.CacheUsage:    KVCacheUsagePerc,
	reading.CacheSize:     CacheConfigInfo, // in a label
	reading.EndedRequests: RequestSuccessTotal,
	reading.PromptTotal:   PromptTokensTotal,
	reading.OutputTotal:   GenerationTokensTotal,
	reading.PromptLengths: RequestPromptTokens,
	reading.OutputLengths: RequestGenerationTokens,
	reading.CacheHits:     PrefixCacheHitsTotal,
	reading.CacheQueries:  PrefixCacheQueriesTotal,
	reading.Preemptions:   NumPreemptionsTotal,
	reading.FirstToken:    TimeToFirstTokenSeconds,
	reading.InterToken:    InterTokenLatencySeconds,
	reading.PerToken:      RequestTimePerOutputTokenSeconds,
	reading.EndToEnd:      E2ERequestLatencySeconds,
	reading.QueueTime:     RequestQueueTimeSeconds,

	reading.RouterFirstToken: "llm_d_epp_request_ttft_seconds",
	reading.RouterPerToken:   "llm_d_epp_request_streaming_tpot_seconds",
	reading.RouterSent:       "inference_extension_scheduler_attempts_total",
	reading.RouterInFlight:   "llm_d_epp_request_running",
	reading.RouterPrefill:    "llm_d_epp_inflight_tokens",
	reading.RouterHeld:       "inference_extension_flow_control_queue_size",
	reading.RouterHeldBytes:  "inference_extension_flow_control_queue_bytes",

	reading.CPUCores: "container_cpu_usage_seconds_total", // the kubelet's
}

// Series is the name under which a family is exposed.
func Series(f reading.Family) string { return families[f] }

// Text is a signal as one would ask Prometheus for it, written short: mean stands for
// the rate of a histogram's sum over that of its count, or of hits over queries.
func Text(s reading.Signal) string {
	d := s.Definition()
	name, window := Series(d.Family), "["+strconv.Itoa(int(d.Window/time.Minute))+"m]"
	switch {
	case s == reading.KVCapacity:
		return "kv_cache_size_tokens" // the label
	case s == reading.KVUsageSum:
		return "sum(" + name + ")"
	case s == reading.CPU:
		return "rate(" + name + ")"
	case s.Cumulative():
		return name + Suffix(s)
	case d.Func == reading.Peak:
		return "max_over_time(" + name + window + ")"
	case d.Func == reading.Rate:
		return "rate(" + name + window + ")"
	case d.Func == reading.Mean:
		return "mean(" + strings.TrimSuffix(name, "_total") + window + ")"
	case d.Func == reading.Quantile:
		return "histogram_quantile(" + strconv.FormatFloat(d.Quantile, 'g', -1, 64) + ", rate(" + name + "_bucket" + window + "))"
	}
	return name
}

// Signals are the signals that may be asked for by their Text.
func Signals() map[string]reading.Signal {
	all := map[string]reading.Signal{}
	for _, s := range reading.Signals() {
		if !s.Cumulative() { // whoever writes a counter's name means a query
			all[Text(s)] = s
		}
	}
	return all
}

// Names are those under which a family is, or was, exposed, today's first.
func Names(f reading.Family) []string {
	name := Series(f)
	names := []string{name}
	all := changes()
	for _, old := range slices.Sorted(maps.Keys(all)) {
		if all[old].instead == name {
			names = append(names, old)
		}
	}
	return names
}

// Suffix is what follows a family's name in the name of the series that a signal, read as
// it is, is made of.
func Suffix(s reading.Signal) string {
	d := s.Definition()
	switch {
	case d.Func == reading.Sum:
		return "_sum"
	case d.Func == reading.Buckets:
		return "_bucket"
	case d.Func == reading.Count && IsHistogram(Series(d.Family)):
		return "_count"
	}
	return ""
}

// OwnLabels are those by which one engine has several series of a name, besides le, and by
// which the engines of one pod differ. Others say where a series was scraped.
func OwnLabels() []string { return []string{"engine", "finished_reason", "model_name"} }

// CacheTokens is what an engine's KV cache holds, by the labels of cache_config_info: an
// older vLLM tells the blocks and how much is in one.
func CacheTokens(label func(string) string) (tokens float64, ok bool) {
	if n, err := strconv.ParseFloat(label("kv_cache_size_tokens"), 64); err == nil && n > 0 {
		return n, true
	}
	blocks, err := strconv.ParseFloat(label("num_gpu_blocks"), 64)
	size, sizeErr := strconv.ParseFloat(label("block_size"), 64)
	return blocks * size, err == nil && sizeErr == nil && blocks*size > 0
}
