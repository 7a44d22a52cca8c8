package vllmsim

import (
	"maps"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/flyball-dev/flyball/internal/plant"
)

// scrape runs two requests and returns /metrics: the second finds 1008 of its 1024
// prompt tokens cached, and 1 of them is computed anyway.
func scrape(t *testing.T, args string) string {
	var text string
	synctest.Test(t, func(t *testing.T) {
		s := start(t, args, Settings{})
		defer s.stop()
		for range 2 {
			s.post("/v1/completions", `{"prompt":`+promptOf(1024)+`,"max_tokens":3,"ignore_eos":true}`)
		}
		_, text = s.get("/metrics")
	})
	return text
}

// types are the # TYPE lines.
func types(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 4 && f[1] == "TYPE" {
			all[f[2]] = f[3]
		}
	}
	return all
}

// INV-1: docs/vllm-metrics.md lists what is exported, with the right type.
func TestExportedMetrics(t *testing.T) {
	page, err := os.ReadFile("../../docs/vllm-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	yes, hidden := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || strings.Contains(cells[1], "*") {
			continue
		}
		name, kind := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2])
		switch strings.TrimSpace(cells[3]) {
		case "yes":
			yes[name] = kind
		case "hidden":
			hidden[name] = kind
		}
	}
	exported := func(args string) map[string]string {
		all := types(scrape(t, args))
		maps.DeleteFunc(all, func(name, _ string) bool { return strings.HasPrefix(name, "process_") })
		return all
	}
	if diff := cmp.Diff(yes, exported("m")); diff != "" {
		t.Errorf("-docs/vllm-metrics.md +exported\n%s", diff)
	}
	maps.Copy(yes, hidden)
	if diff := cmp.Diff(yes, exported("m --show-hidden-metrics-for-version 0.11")); diff != "" {
		t.Errorf("with hidden: -docs/vllm-metrics.md +exported\n%s", diff)
	}
}

// What promtool check metrics says (it is the same library) is about vLLM's own names.
func TestPromlint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, "m --show-hidden-metrics-for-version 0.11"))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		colon := p.Text == "metric names should not contain ':'" && strings.HasPrefix(p.Metric, "vllm:")
		total := p.Text == `non-counter metrics should not have "_total" suffix` && p.Metric == "vllm:iteration_tokens_total"
		if !colon && !total {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if len(problems) == 0 {
		t.Error("no complaint at all: docs/vllm-metrics.md says otherwise")
	}
}

// What two requests leave behind, worked by hand.
func TestValues(t *testing.T) {
	text := scrape(t, "m")
	series := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok {
			series[name+"}"] = value
		}
	}
	for name, want := range map[string]string{
		`vllm:num_requests_running{%s}`:                                             "0",
		`vllm:num_requests_waiting{%s}`:                                             "0",
		`vllm:kv_cache_usage_perc{%s}`:                                              "0",
		`vllm:prefix_cache_queries_total{%s}`:                                       "2048",
		`vllm:prefix_cache_hits_total{%s}`:                                          "1008",
		`vllm:prompt_tokens_total{%s}`:                                              "2048",
		`vllm:prompt_tokens_by_source_total{%s,source="local_compute"}`:             "1040",
		`vllm:prompt_tokens_by_source_total{%s,source="local_cache_hit"}`:           "1008",
		`vllm:prompt_tokens_cached_total{%s}`:                                       "1008",
		`vllm:generation_tokens_total{%s}`:                                          "6",
		`vllm:time_to_first_token_seconds_count{%s}`:                                "2",
		`vllm:time_to_first_token_seconds_bucket{%s,le="0.06"}`:                     "2",
		`vllm:time_to_first_token_seconds_bucket{%s,le="0.04"}`:                     "1",
		`vllm:inter_token_latency_seconds_count{%s}`:                                "4",
		`vllm:inter_token_latency_seconds_bucket{%s,le="0.01"}`:                     "0",
		`vllm:inter_token_latency_seconds_bucket{%s,le="0.025"}`:                    "4",
		`vllm:request_time_per_output_token_seconds_bucket{%s,le="0.025"}`:          "2",
		`vllm:e2e_request_latency_seconds_bucket{%s,le="0.3"}`:                      "2",
		`vllm:request_prompt_tokens_sum{%s}`:                                        "2048",
		`vllm:request_prompt_tokens_bucket{%s,le="20000"}`:                          "2",
		`vllm:request_prefill_kv_computed_tokens_sum{%s}`:                           "1040",
		`vllm:request_params_max_tokens_sum{%s}`:                                    "6",
		`vllm:iteration_tokens_total_sum{%s}`:                                       "2054",
		`vllm:iteration_tokens_total_count{%s}`:                                     "6",
		`vllm:engine_sleep_state{%s,sleep_state="awake"}`:                           "1",
		`http_requests_total{handler="/v1/completions",method="POST",status="2xx"}`: "2",
		`vllm:cache_config_info{block_size="16",cache_dtype="auto",effective_attention_block_size="16",enable_prefix_caching="True",` +
			`engine="0",gpu_memory_utilization="0.9",kv_cache_max_concurrency="7.05",kv_cache_size_tokens="288608",num_gpu_blocks="18038"}`: "1",
	} {
		name = labelled(name)
		if got, ok := series[name]; got != want {
			t.Errorf("%s = %q (there: %v), want %q", name, got, ok, want)
		}
	}
}

// labelled puts the labels that all series have into the place held by %s. All that
// come after them here sort after them too.
func labelled(name string) string {
	return strings.Replace(name, "%s", `engine="0",model_name="m"`, 1)
}

func TestBuckets(t *testing.T) {
	want := []float64{1, 2, 5, 10, 20, 50, 100}
	if diff := cmp.Diff(want, oneTwoFive(100)); diff != "" {
		t.Errorf("oneTwoFive(100): -want +got\n%s", diff)
	}
}

// Preemptions and the waiting queue show while they last.
func TestSchedulerMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	m := newMetrics(r, Args{ServedNames: []string{"m"}, ShowHiddenMetrics: true}, plant.Config{KVTokens: 64, BlockTokens: 4, MaxModelLen: 40}, 1)
	m.record(plant.Events{Preemptions: 2}, plant.Load{Running: 3, Waiting: 5, UsedBlocks: 4, TotalBlocks: 16})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			got[f.GetName()] += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"vllm:num_requests_running": 3, "vllm:num_requests_waiting": 5, "vllm:num_requests_waiting_by_reason": 5,
		"vllm:kv_cache_usage_perc": 0.25, "vllm:gpu_cache_usage_perc": 0.25, "vllm:num_preemptions_total": 2,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}
