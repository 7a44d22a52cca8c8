package vllm

import (
	"slices"
	"testing"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Each family has a name of its own, and each signal a text.
func TestSeries(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range reading.Families() {
		if name := Series(f); name == "" || seen[name] {
			t.Errorf("family %d is called %q: no name, or that of another", f, name)
		}
		seen[Series(f)] = true
	}
	texts := map[string]bool{}
	for _, s := range reading.Signals() {
		if text := Text(s); texts[text] {
			t.Errorf("%s stands for two signals", text)
		}
		texts[Text(s)] = true
		if _, asked := Signals()[Text(s)]; asked == s.Cumulative() {
			t.Errorf("%s may be asked for: %v", s, asked)
		}
	}
	for signal, want := range map[reading.Signal]string{
		reading.Running:       "vllm:num_requests_running",
		reading.KVUsagePeak:   "max_over_time(vllm:kv_cache_usage_perc[1m])",
		reading.HitShare:      "mean(vllm:prefix_cache_hits[5m])",
		reading.Ended:         "vllm:request_success_total",
		reading.TokenGaps:     "vllm:inter_token_latency_seconds_count",
		reading.TTFTs:         "vllm:time_to_first_token_seconds_bucket",
		reading.RouterTTFTp90: "histogram_quantile(0.9, rate(llm_d_epp_request_ttft_seconds_bucket[1m]))",
	} {
		if got := Text(signal); got != want {
			t.Errorf("Text(%v) = %s, want %s", signal, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for family, want := range map[reading.Family][]string{
		reading.EngineRunning: {"vllm:num_requests_running"},
		reading.CacheUsage:    {"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"},
		reading.InterToken:    {"vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"},
	} {
		if got := Names(family); !slices.Equal(got, want) {
			t.Errorf("Names(%v) = %v, want %v", family, got, want)
		}
	}
}

// An older vLLM tells blocks and their size.
func TestCacheTokens(t *testing.T) {
	for want, labels := range map[float64]map[string]string{
		288608: {"kv_cache_size_tokens": "288608", "num_gpu_blocks": "1", "block_size": "1"},
		16000:  {"num_gpu_blocks": "1000", "block_size": "16"},
	} {
		if got, ok := CacheTokens(func(name string) string { return labels[name] }); got != want || !ok {
			t.Errorf("CacheTokens(%v) = %v, %v, want %v", labels, got, ok, want)
		}
	}
	if got, ok := CacheTokens(func(string) string { return "" }); ok {
		t.Errorf("CacheTokens of nothing = %v", got)
	}
}
