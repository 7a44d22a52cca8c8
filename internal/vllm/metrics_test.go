package vllm

import "testing"

func TestLacks(t *testing.T) {
	const (
		usage, old = "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"
		gaps, tpot = "vllm:inter_token_latency_seconds_sum", "vllm:time_per_output_token_seconds_sum"
		gone       = "vLLM does not export " + old + " any more; it is " + usage + " now"
	)
	v := func(minor int) Version { return Version{0, minor} }
	for _, c := range []struct {
		of     Exporter
		series string
		want   string
	}{
		{Exporter{}, usage, ""},
		{Exporter{}, old, gone},
		{Exporter{Version: v(10)}, old, ""},
		{Exporter{Version: v(11)}, old, gone},
		{Exporter{v(11), true}, old, ""},
		{Exporter{v(12), true}, old, gone},
		{Exporter{Hidden: true}, old, ""},
		{Exporter{Version: v(10)}, usage, ""},
		{Exporter{Version: v(8)}, usage, "vLLM 0.8 does not export " + usage + " yet; it is " + old + " there"},
		{Exporter{Version: v(10)}, tpot, ""},
		{Exporter{Version: v(12)}, tpot, "vLLM does not export " + tpot + " any more; it is " + gaps + " now"},
		{Exporter{Version: v(9)}, gaps, "vLLM 0.9 does not export " + gaps + " yet; it is " + tpot + " there"},
		{Exporter{}, "vllm:num_requests_swapped", "vLLM does not export vllm:num_requests_swapped any more, and nothing took its place"},
		{Exporter{Version: v(8)}, "vllm:num_requests_swapped", ""},
		{Exporter{Version: v(8)}, "vllm:num_requests_running", ""},
		{Exporter{}, "my:own", ""},
	} {
		if got := c.of.Lacks(c.series); got != c.want {
			t.Errorf("%+v.Lacks(%s) = %q, want %q", c.of, c.series, got, c.want)
		}
	}
}
