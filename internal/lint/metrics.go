package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
)

// engine tells of a name whether vLLM exports it, and as what (docs/vllm-metrics.md;
// a test compares). A histogram's name stands for its _bucket, _sum and _count.
func engine() map[string]string {
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

// exported tells whether a vLLM pod has series of this name.
func exported(series string) bool {
	all := engine()
	switch kind, ok := all[series]; {
	case ok:
		return kind != "histogram"
	case all[family(series)] == "histogram":
		return true
	}
	// Families that come with options, too many to list.
	return strings.HasPrefix(series, "vllm:spec_decode_num_") || strings.HasPrefix(series, "vllm:nixl_")
}

// ofEngine tells whether a series is or was vLLM's.
func ofEngine(series string) bool {
	_, old := gone(series)
	return old || exported(series)
}

// gone tells whether vLLM once exported the name, and what took its place.
func gone(series string) (instead string, ok bool) {
	all := removed()
	if instead, ok = all[series]; ok {
		return instead, true
	}
	if instead, ok = all[family(series)]; ok && instead != "" && !strings.Contains(instead, " ") {
		return instead + strings.TrimPrefix(series, family(series)), true
	}
	return "", ok
}

// nearest is the exported name that differs least from one that is not, "" if all
// differ much.
func nearest(series string) string {
	best, least := "", len(series)/3+1
	for _, name := range slices.Sorted(maps.Keys(engine())) {
		if d := hint.Distance(series, name); d < least {
			best, least = name, d
		}
	}
	return best
}
