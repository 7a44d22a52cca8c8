package vllm

import (
	"fmt"
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

// A change is what became of a name: vLLM has another for it since some release of a
// version, hides the old one from a later version, and drops it from the one after that.
// Which release is not told from the first: before renamed it surely had no such name.
type change struct {
	instead         string // "" if nothing took its place
	renamed, hidden Version
}

// changes are those of names that vLLM no longer exports (vllm#15458, vllm#18354 and #24245,
// vllm#24110 and #32661).
func changes() map[string]change {
	v0 := Version{0, 9} // hides those of the engine before, which has gone
	gpu, tpot := change{"", Version{0, 9}, Version{0, 11}}, change{"", Version{0, 10}, Version{0, 12}}
	to := func(c change, instead string) change { c.instead = instead; return c }
	return map[string]change{
		"vllm:gpu_cache_usage_perc":                 to(gpu, "vllm:kv_cache_usage_perc"),
		"vllm:gpu_prefix_cache_queries_total":       to(gpu, "vllm:prefix_cache_queries_total"),
		"vllm:gpu_prefix_cache_hits_total":          to(gpu, "vllm:prefix_cache_hits_total"),
		"vllm:time_per_output_token_seconds":        to(tpot, "vllm:inter_token_latency_seconds"),
		"vllm:num_requests_swapped":                 {hidden: v0},
		"vllm:cpu_cache_usage_perc":                 {hidden: v0},
		"vllm:gpu_prefix_cache_hit_rate":            {"vllm:prefix_cache_hits_total over vllm:prefix_cache_queries_total", Version{}, v0},
		"vllm:cpu_prefix_cache_hit_rate":            {"vllm:prefix_cache_hits_total over vllm:prefix_cache_queries_total", Version{}, v0},
		"vllm:time_in_queue_requests":               {"vllm:request_queue_time_seconds", Version{}, v0},
		"vllm:model_forward_time_milliseconds":      {hidden: v0},
		"vllm:model_execute_time_milliseconds":      {hidden: v0},
		"vllm:avg_prompt_throughput_toks_per_s":     {"the rate of vllm:prompt_tokens_total", Version{}, v0},
		"vllm:avg_generation_throughput_toks_per_s": {"the rate of vllm:generation_tokens_total", Version{}, v0},
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
	_, old := changed(series)
	return old || Exports(series)
}

// changed is what became of a series, spelled as one of its family's.
func changed(series string) (change, bool) {
	all := changes()
	if c, ok := all[series]; ok {
		return c, true
	}
	c, ok := all[family(series)]
	if ok && c.instead != "" && !strings.Contains(c.instead, " ") {
		c.instead += strings.TrimPrefix(series, family(series))
	}
	return c, ok
}

// An Exporter is a vLLM, as far as its series depend on it. The zero one is a current vLLM.
type Exporter struct {
	Version
	Hidden bool // shows what it hides
}

// Lacks says why it has no series of a name that another vLLM has; "" if it has, or if no
// vLLM is known to have any.
//
// Worked example (TestLacks): gpu_cache_usage_perc is there up to 0.10, with
// --show-hidden-metrics-for-version also in 0.11, and kv_cache_usage_perc not before 0.9.
func (e Exporter) Lacks(series string) string {
	c, old := changed(series)
	if !old {
		return e.awaits(series)
	}
	next := Version{c.hidden.Major, c.hidden.Minor + 1}
	switch {
	case e.Version != Version{} && !e.Since(c.hidden.Major, c.hidden.Minor):
		return ""
	case e.Hidden && !e.Since(next.Major, next.Minor):
		return ""
	case c.instead == "":
		return "vLLM does not export " + series + " any more, and nothing took its place"
	}
	return "vLLM does not export " + series + " any more; it is " + c.instead + " now"
}

// awaits says that a series came with a later version.
func (e Exporter) awaits(series string) string {
	for _, old := range slices.Sorted(maps.Keys(changes())) {
		c := changes()[old]
		if c.instead == family(series) && e.Version != (Version{}) && !e.Since(c.renamed.Major, c.renamed.Minor) {
			return fmt.Sprintf("vLLM %v does not export %s yet; it is %s there", e.Version, series, old+strings.TrimPrefix(series, family(series)))
		}
	}
	return ""
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
