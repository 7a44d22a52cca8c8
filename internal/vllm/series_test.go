package vllm

import (
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
	if all := Signals(); len(all) != len(reading.Signals()) {
		t.Errorf("%d texts of %d signals", len(all), len(reading.Signals()))
	}
	for signal, want := range map[reading.Signal]string{
		reading.Running:       "vllm:num_requests_running",
		reading.KVUsagePeak:   "max_over_time(vllm:kv_cache_usage_perc[1m])",
		reading.HitShare:      "mean(vllm:prefix_cache_hits[5m])",
		reading.RouterTTFTp90: "histogram_quantile(0.9, rate(llm_d_epp_request_ttft_seconds_bucket[1m]))",
	} {
		if got := Text(signal); got != want {
			t.Errorf("Text(%v) = %s, want %s", signal, got, want)
		}
	}
}
