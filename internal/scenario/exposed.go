package scenario

import (
	"math"
	"strconv"

	"github.com/flyball-dev/flyball/internal/plant"
)

// A Metric is one series that an engine exposes, without the labels of its pod.
type Metric struct {
	Name   string
	Labels map[string]string
}

// Exposed are the series of an engine under vLLM's names, in the order of the values
// that a PromQL is given. A vLLM has more; a query for one of those has no answer
// here, and the caller says so before it runs.
func Exposed(model string) []Metric {
	base := func(extra ...string) map[string]string {
		l := map[string]string{"model_name": model, "engine": "0"}
		for i := 0; i+1 < len(extra); i += 2 {
			l[extra[i]] = extra[i+1]
		}
		return l
	}
	all := []Metric{
		{"vllm:num_requests_running", base()}, {"vllm:num_requests_waiting", base()}, {"vllm:kv_cache_usage_perc", base()},
		{"vllm:prompt_tokens_total", base()}, {"vllm:generation_tokens_total", base()},
		{"vllm:prefix_cache_queries_total", base()}, {"vllm:prefix_cache_hits_total", base()}, {"vllm:num_preemptions_total", base()},
		{"vllm:request_success_total", base("finished_reason", "stop")}, {"vllm:request_success_total", base("finished_reason", "length")},
		{"vllm:request_success_total", base("finished_reason", "abort")},
	}
	for _, h := range []struct {
		name  string
		upper []float64
	}{
		{"vllm:time_to_first_token_seconds", plant.TTFTBuckets()}, {"vllm:inter_token_latency_seconds", plant.TokenBuckets()},
		{"vllm:request_time_per_output_token_seconds", plant.TokenBuckets()},
		{"vllm:e2e_request_latency_seconds", plant.RequestBuckets()}, {"vllm:request_queue_time_seconds", plant.RequestBuckets()},
	} {
		for _, u := range h.upper {
			all = append(all, Metric{h.name + "_bucket", base("le", strconv.FormatFloat(u, 'f', -1, 64))})
		}
		all = append(all, Metric{h.name + "_bucket", base("le", "+Inf")}, Metric{h.name + "_sum", base()}, Metric{h.name + "_count", base()})
	}
	return all
}

// expose appends the values of Exposed.
func expose(values []float64, s sample) []float64 {
	m := s.meter
	values = append(values,
		float64(s.load.Running), float64(s.load.Waiting), float64(s.load.UsedBlocks)/float64(max(1, s.load.TotalBlocks)),
		float64(m.PromptTokens), float64(m.GenerationTokens), float64(m.CacheQueries), float64(m.CacheHits), float64(m.Preemptions),
		float64(m.Ended[plant.Stop]), float64(m.Ended[plant.Length]), float64(m.Ended[plant.Aborted]),
	)
	for _, h := range []*plant.Histogram{&m.TTFT, &m.ITL, &m.TPOT, &m.E2E, &m.Queue} {
		sum := 0.0
		for _, n := range h.Counts {
			sum += float64(n)
			values = append(values, sum)
		}
		values = append(values, h.Sum.Seconds(), math.Round(sum))
	}
	return values
}
