package vllm

import (
	"maps"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
)

// exports tells of a name whether vLLM exports it, and as what (docs/vllm-metrics.md;
// a test compares). A histogram's name stands for its _bucket, _sum and _count.
func exports() map[string]string {
	all := map[string]string{}
	for kind, names := range map[string]string{
		"gauge": `num_requests_running num_requests_waiting num_requests_waiting_by_reason kv_cache_usage_perc
			engine_sleep_state cache_config_info lora_requests_info engine_healthy`,
		"counter": `prefix_cache_queries_total prefix_cache_hits_total external_prefix_cache_queries_total
			external_prefix_cache_hits_total mm_cache_queries_total mm_cache_hits_total num_preemptions_total
			prompt_tokens_total prompt_tokens_by_source_total prompt_tokens_cached_total generation_tokens_total
			request_success_total admission_rejections_total corrupted_requests_total`,
		"histogram": `time_to_first_token_seconds inter_token_latency_seconds request_time_per_output_token_seconds
			e2e_request_latency_seconds request_queue_time_seconds request_inference_time_seconds
			request_prefill_time_seconds request_decode_time_seconds request_prompt_tokens request_generation_tokens
			request_max_num_generation_tokens request_params_max_tokens request_prefill_kv_computed_tokens
			request_params_n request_num_preemptions iteration_tokens_total kv_block_lifetime_seconds
			kv_block_idle_before_evict_seconds kv_block_reuse_gap_seconds`,
	} {
		for name := range strings.FieldsSeq(names) {
			all["vllm:"+name] = kind
		}
	}
	return all
}

// removed tells what took the place of a name that vLLM no longer exports, "" if
// nothing did.
func removed() map[string]string {
	return map[string]string{
		"vllm:gpu_cache_usage_perc":                 "vllm:kv_cache_usage_perc",
		"vllm:gpu_prefix_cache_queries_total":       "vllm:prefix_cache_queries_total",
		"vllm:gpu_prefix_cache_hits_total":          "vllm:prefix_cache_hits_total",
		"vllm:time_per_output_token_seconds":        "vllm:inter_token_latency_seconds",
		"vllm:num_requests_swapped":                 "",
		"vllm:cpu_cache_usage_perc":                 "",
		"vllm:gpu_prefix_cache_hit_rate":            "vllm:prefix_cache_hits_total over vllm:prefix_cache_queries_total",
		"vllm:cpu_prefix_cache_hit_rate":            "vllm:prefix_cache_hits_total over vllm:prefix_cache_queries_total",
		"vllm:time_in_queue_requests":               "vllm:request_queue_time_seconds",
		"vllm:model_forward_time_milliseconds":      "",
		"vllm:model_execute_time_milliseconds":      "",
		"vllm:avg_prompt_throughput_toks_per_s":     "the rate of vllm:prompt_tokens_total",
		"vllm:avg_generation_throughput_toks_per_s": "the rate of vllm:generation_tokens_total",
	}
}

// family is the name of the metric that a series belongs to: a histogram's without
// _bucket, _sum or _count.
func family(series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			return name
		}
	}
	return series
}

// Exports tells whether a vLLM pod has series of this name.
func Exports(series string) bool {
	all := exports()
	switch kind, ok := all[series]; {
	case ok:
		return kind != "histogram"
	case all[family(series)] == "histogram":
		return true
	}
	// Families that come with options, too many to list.
	return strings.HasPrefix(series, "vllm:spec_decode_num_") || strings.HasPrefix(series, "vllm:nixl_")
}

// IsSeries tells whether a series is or was vLLM's.
func IsSeries(series string) bool {
	_, old := Gone(series)
	return old || Exports(series)
}

// Gone tells whether vLLM once exported the name, and what took its place.
func Gone(series string) (instead string, ok bool) {
	all := removed()
	if instead, ok = all[series]; ok {
		return instead, true
	}
	if instead, ok = all[family(series)]; ok && instead != "" && !strings.Contains(instead, " ") {
		return instead + strings.TrimPrefix(series, family(series)), true
	}
	return "", ok
}

// NearestSeries is the exported name that differs least from one that is not, "" if all
// differ much.
func NearestSeries(series string) string {
	best, least := "", len(series)/3+1
	for _, name := range slices.Sorted(maps.Keys(exports())) {
		if d := hint.Distance(series, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// IsHistogram tells whether a name is a histogram's, whose series have other names.
func IsHistogram(name string) bool { return exports()[name] == "histogram" }

// Colon is a series as vLLM spells it, where it is given with an underscore instead of the
// colon, as what cannot have a colon in a name makes of it.
func Colon(series string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(series, "vllm_")
	return "vllm:" + rest, ok
}

// Adapted is the series that an adapter's name stands for, as vLLM spells it: an HPA knows
// prometheus.googleapis.com|vllm:num_requests_running|gauge, or vllm_num_requests_running.
func Adapted(name string) string {
	name = strings.TrimPrefix(name, "prometheus.googleapis.com|")
	name, _, _ = strings.Cut(name, "|")
	if colon, ok := Colon(name); ok {
		return colon
	}
	return name
}

// LabelInstead is the label of vLLM's series that was meant by one that they do not have:
// all have model_name and engine.
func LabelInstead(label string) (instead string, ok bool) {
	instead, ok = map[string]string{"model": "model_name", "model_id": "model_name", "served_model_name": "model_name", "engine_id": "engine"}[label]
	return instead, ok
}
