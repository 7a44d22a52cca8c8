package promsim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// guideLike are the queries of one ScaledObject or HPA each.
var guideLike = []struct{ name, query string }{
	{"gauge", `sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`},
	{"rate", `sum(rate(vllm:request_success_total{isvc_name="llama",namespace="demo"}[1m]))`},
	{"ratio", `sum(rate(vllm:time_to_first_token_seconds_sum{isvc_name="llama"}[1m])) / sum(rate(vllm:time_to_first_token_seconds_count{isvc_name="llama"}[1m]))`},
	{"quantile", `histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{isvc_name="llama",namespace="demo"}[1m])))`},
}

// vllmLike are 8 replicas with the series that the queries touch and as many others.
func vllmLike(db *DB) ([]*Target, []float64) {
	metrics := []Metric{
		{Name: "vllm:num_requests_running"}, {Name: "vllm:num_requests_waiting"}, {Name: "vllm:kv_cache_usage_perc"},
		{Name: "vllm:time_to_first_token_seconds_sum"}, {Name: "vllm:time_to_first_token_seconds_count"},
	}
	for _, reason := range []string{"stop", "length", "abort", "error", "repetition"} {
		metrics = append(metrics, Metric{"vllm:request_success_total", map[string]string{"finished_reason": reason}})
	}
	for _, family := range []string{"vllm:time_to_first_token_seconds_bucket", "vllm:e2e_request_latency_seconds_bucket", "vllm:inter_token_latency_seconds_bucket"} {
		for i := range 23 {
			metrics = append(metrics, Metric{family, map[string]string{"le": strconv.Itoa(i), "engine": "0", "model_name": "llama"}})
		}
		metrics[len(metrics)-1].Labels["le"] = "+Inf"
	}
	var targets []*Target
	for i := range 8 {
		targets = append(targets, db.Target(map[string]string{
			"pod": fmt.Sprint("llama-", i), "namespace": "demo", "isvc_name": "llama", "instance": fmt.Sprint("10.0.0.", i), "job": "vllm",
		}, metrics))
	}
	return targets, make([]float64, len(metrics))
}

// BenchmarkPath is the metric path alone: 8 replicas scraped every 15 s, KEDA's query
// as often. Metric "sim-s/s" is simulated seconds per second.
func BenchmarkPath(b *testing.B) {
	for _, q := range guideLike {
		for _, engineOnly := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/engine=%v", q.name, engineOnly), func(b *testing.B) {
				db, err := New(Config{Queries: []string{q.query}, EngineOnly: engineOnly})
				if err != nil {
					b.Fatal(err)
				}
				targets, values := vllmLike(db)
				r, at, n := rand.New(rand.NewPCG(1, 2)), time.Duration(0), 0
				b.ReportAllocs()
				for b.Loop() {
					for _, t := range targets {
						for _, i := range t.Wanted() {
							values[i] += r.Float64()
						}
						if err := t.Scrape(at, values); err != nil {
							b.Fatal(err)
						}
					}
					if a, err := db.Query(b.Context(), q.query, at+5*time.Second); err != nil || n > 4 && !a.Reading.Usable() {
						b.Fatal(a, err)
					}
					at, n = at+15*time.Second, n+1
				}
				b.ReportMetric(at.Seconds()/b.Elapsed().Seconds(), "sim-s/s")
			})
		}
	}
}

// BenchmarkNew is what a simulation pays once.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Config{Queries: []string{guideLike[3].query}}); err != nil {
			b.Fatal(err)
		}
	}
}
