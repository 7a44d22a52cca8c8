package vllm

// The series that somebody here asks for or exports, by the names that vLLM 0.32 has for them
// (docs/vllm-metrics.md); the last are those of versions before. Of a histogram it is the
// name without _bucket, _sum and _count.
const (
	CacheConfigInfo                  = Prefix + "cache_config_info"
	E2ERequestLatencySeconds         = Prefix + "e2e_request_latency_seconds"
	EngineSleepState                 = Prefix + "engine_sleep_state"
	ExternalPrefixCacheHitsTotal     = Prefix + "external_prefix_cache_hits_total"
	ExternalPrefixCacheQueriesTotal  = Prefix + "external_prefix_cache_queries_total"
	GenerationTokensTotal            = Prefix + "generation_tokens_total"
	InterTokenLatencySeconds         = Prefix + "inter_token_latency_seconds"
	IterationTokensTotal             = Prefix + "iteration_tokens_total"
	KVCacheUsagePerc                 = Prefix + "kv_cache_usage_perc"
	MMCacheHitsTotal                 = Prefix + "mm_cache_hits_total"
	MMCacheQueriesTotal              = Prefix + "mm_cache_queries_total"
	NumPreemptionsTotal              = Prefix + "num_preemptions_total"
	NumRequestsRunning               = Prefix + "num_requests_running"
	NumRequestsWaiting               = Prefix + "num_requests_waiting"
	NumRequestsWaitingByReason       = Prefix + "num_requests_waiting_by_reason"
	PrefixCacheHitsTotal             = Prefix + "prefix_cache_hits_total"
	PrefixCacheQueriesTotal          = Prefix + "prefix_cache_queries_total"
	PromptTokensBySourceTotal        = Prefix + "prompt_tokens_by_source_total"
	PromptTokensCachedTotal          = Prefix + "prompt_tokens_cached_total"
	PromptTokensTotal                = Prefix + "prompt_tokens_total"
	RequestDecodeTimeSeconds         = Prefix + "request_decode_time_seconds"
	RequestGenerationTokens          = Prefix + "request_generation_tokens"
	RequestInferenceTimeSeconds      = Prefix + "request_inference_time_seconds"
	RequestMaxNumGenerationTokens    = Prefix + "request_max_num_generation_tokens"
	RequestNumPreemptions            = Prefix + "request_num_preemptions"
	RequestParamsMaxTokens           = Prefix + "request_params_max_tokens"
	RequestParamsN                   = Prefix + "request_params_n"
	RequestPrefillKVComputedTokens   = Prefix + "request_prefill_kv_computed_tokens"
	RequestPrefillTimeSeconds        = Prefix + "request_prefill_time_seconds"
	RequestPromptTokens              = Prefix + "request_prompt_tokens"
	RequestQueueTimeSeconds          = Prefix + "request_queue_time_seconds"
	RequestSuccessTotal              = Prefix + "request_success_total"
	RequestTimePerOutputTokenSeconds = Prefix + "request_time_per_output_token_seconds"
	TimeToFirstTokenSeconds          = Prefix + "time_to_first_token_seconds"

	GPUCacheUsagePerc          = Prefix + "gpu_cache_usage_perc"
	GPUPrefixCacheHitsTotal    = Prefix + "gpu_prefix_cache_hits_total"
	GPUPrefixCacheQueriesTotal = Prefix + "gpu_prefix_cache_queries_total"
	TimePerOutputTokenSeconds  = Prefix + "time_per_output_token_seconds"
)

// Prefix begins the name of each of vLLM's series.
const Prefix = "vllm:"

// Options that others look for, or add.
const (
	OptionShutdownTimeout    = "shutdown-timeout"
	OptionTensorParallelSize = "tensor-parallel-size"
)
