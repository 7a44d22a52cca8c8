package law

import "time"

// The series that laws read without being told which, by the text of the query whose
// answer they are. Of a query over pods the reading of each pod is its own answer; the
// total of a gauge, a counter's rate or a number of tokens is the sum over the pods,
// that of anything else (a share, a mean, a quantile) is of all pods taken together.
const (
	Running = "vllm:num_requests_running"
	Waiting = "vllm:num_requests_waiting"
	KVUsage = "vllm:kv_cache_usage_perc" // 0 to 1
	// KVCapacity is a label of vllm:cache_config_info, in tokens.
	KVCapacity = "kv_cache_size_tokens"

	// AllKVUsage is the sum over the pods.
	AllKVUsage = "sum(vllm:kv_cache_usage_perc)"

	PeakWaiting = "max_over_time(vllm:num_requests_waiting[1m])"
	PeakKVUsage = "max_over_time(vllm:kv_cache_usage_perc[1m])"

	Completions  = "rate(vllm:request_success_total[1m])"
	PromptTokens = "rate(vllm:prompt_tokens_total[1m])"
	OutputTokens = "rate(vllm:generation_tokens_total[1m])"

	MeanInput  = "mean(vllm:request_prompt_tokens[5m])"     // rate of the sum over rate of the count
	MeanOutput = "mean(vllm:request_generation_tokens[5m])" // so are all that begin with mean
	HitShare   = "mean(vllm:prefix_cache_hits[5m])"         // hits over queries
	MeanTTFT   = "mean(vllm:time_to_first_token_seconds[1m])"
	MeanITL    = "mean(vllm:inter_token_latency_seconds[1m])"

	TTFTp90 = "histogram_quantile(0.9, rate(vllm:time_to_first_token_seconds_bucket[1m]))"
	TPOTp90 = "histogram_quantile(0.9, rate(vllm:request_time_per_output_token_seconds_bucket[1m]))"

	// What the router in front of the pods knows.
	Arrivals  = "rate(inference_extension_scheduler_attempts_total[1m])" // requests sent on to pods, per second
	Sent      = "llm_d_epp_request_running"                              // requests sent on and not answered in full
	Prefills  = "llm_d_epp_inflight_tokens"                              // of prompts sent on, not cached, without a first token
	Held      = "inference_extension_flow_control_queue_size"            // requests held back
	HeldBytes = "inference_extension_flow_control_queue_bytes"
	// The latencies as the router sees them, in its own buckets.
	RouterTTFTp90 = "histogram_quantile(0.9, rate(llm_d_epp_request_ttft_seconds_bucket[1m]))"
	RouterTPOTp90 = "histogram_quantile(0.9, rate(llm_d_epp_request_streaming_tpot_seconds_bucket[1m]))"
)

// A Func is how a series is made of a family of vLLM's or the router's metrics.
type Func int

// The functions.
const (
	FuncUnset Func = iota
	Last           // a gauge's newest sample
	Peak           // a gauge's greatest in the window
	Rate           // a counter's increase per second in the window
	Mean           // a histogram's mean in the window; of hits: hits over queries
	Quantile       // a histogram's quantile in the window
	numFuncs
)

func (f Func) String() string {
	names := [numFuncs]string{"", "last", "peak", "rate", "mean", "quantile"}
	if f < 0 || f >= numFuncs {
		return "unknown"
	}
	return names[f]
}

// A Query says how the series of a name is made.
type Query struct {
	Name   string // one of the constants
	Short  string // what may be written instead in a law's parameters
	Family string
	Func   Func
	Window time.Duration
	// Quantile is for Quantile.
	Quantile float64
	// Router is set for what has one value for the service and none per pod.
	Router bool
	// Shared is set where the total is of all pods together and no sum.
	Shared bool
}

// Queries are the series of the constants.
func Queries() []Query {
	const minute, five = time.Minute, 5 * time.Minute
	ttft, tpot := "vllm:time_to_first_token_seconds", "vllm:request_time_per_output_token_seconds"
	return []Query{
		{Name: Running, Short: "running", Family: Running, Func: Last},
		{Name: Waiting, Short: "waiting", Family: Waiting, Func: Last},
		{Name: KVUsage, Short: "kv", Family: KVUsage, Func: Last, Shared: true},
		{Name: KVCapacity, Short: "kv-tokens", Family: "vllm:cache_config_info", Func: Last},
		{Name: AllKVUsage, Short: "kv-sum", Family: KVUsage, Func: Last},
		{Name: PeakWaiting, Short: "waiting-peak", Family: Waiting, Func: Peak, Window: minute},
		{Name: PeakKVUsage, Short: "kv-peak", Family: KVUsage, Func: Peak, Window: minute, Shared: true},
		{Name: Completions, Short: "completions", Family: "vllm:request_success_total", Func: Rate, Window: minute},
		{Name: PromptTokens, Short: "prompt-tokens", Family: "vllm:prompt_tokens_total", Func: Rate, Window: minute},
		{Name: OutputTokens, Short: "output-tokens", Family: "vllm:generation_tokens_total", Func: Rate, Window: minute},
		{Name: MeanInput, Short: "input-mean", Family: "vllm:request_prompt_tokens", Func: Mean, Window: five, Shared: true},
		{Name: MeanOutput, Short: "output-mean", Family: "vllm:request_generation_tokens", Func: Mean, Window: five, Shared: true},
		{Name: HitShare, Short: "hits", Family: "vllm:prefix_cache_hits_total", Func: Mean, Window: five, Shared: true},
		{Name: MeanTTFT, Short: "ttft-mean", Family: ttft, Func: Mean, Window: minute, Shared: true},
		{Name: MeanITL, Short: "itl-mean", Family: "vllm:inter_token_latency_seconds", Func: Mean, Window: minute, Shared: true},
		{Name: TTFTp90, Short: "ttft-p90", Family: ttft, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
		{Name: TPOTp90, Short: "tpot-p90", Family: tpot, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
		{Name: Arrivals, Short: "arrivals", Family: "inference_extension_scheduler_attempts_total", Func: Rate, Window: minute, Router: true},
		{Name: Sent, Short: "sent", Family: Sent, Func: Last, Router: true},
		{Name: Prefills, Short: "prefills", Family: Prefills, Func: Last, Router: true},
		{Name: Held, Short: "held", Family: Held, Func: Last, Router: true},
		{Name: RouterTTFTp90, Short: "router-ttft-p90", Family: "llm_d_epp_request_ttft_seconds", Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
		{Name: RouterTPOTp90, Short: "router-tpot-p90", Family: "llm_d_epp_request_streaming_tpot_seconds", Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
		{Name: HeldBytes, Short: "held-bytes", Family: HeldBytes, Func: Last, Router: true},
	}
}

// concurrency is how many requests are in flight: running and waiting in the pods,
// and held by the router. It is false if pods serve and do not say.
func (in Input) concurrency() (float64, bool) {
	running, okRunning := in.total(Running)
	waiting, okWaiting := in.total(Waiting)
	held, okHeld := in.total(Held)
	if in.Fleet.Ready > 0 {
		return running + waiting + held, okRunning && okWaiting
	}
	return running + waiting + held, okRunning || okWaiting || okHeld
}
