package simulate

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// The whole metric path of a manifest at the design's load: 8 replicas at 10 requests per
// second of 4000 tokens in and 1000 out, with a query that has a shorter way and with one
// that Prometheus' engine answers, and the bare fleet under the same requests. The goals are
// 40,000 and 5,000 times real time, and half of what the bare fleet makes in the same run.
func BenchmarkSimulateManifest(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		c := atDesignLoad(b, `sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`)
		simulated := time.Duration(0)
		for b.Loop() {
			simulated += bare(b, c.Setup)
		}
		b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
	})
	for _, way := range []struct{ name, query string }{
		{"fast", `sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`},
		{"engine", `max_over_time(sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})[1m:15s])`},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := atDesignLoad(b, way.query)
			simulated := time.Duration(0)
			for b.Loop() {
				out, err := scenario.Run(c.Setup, c.Contenders[0].Policy, 1)
				if err != nil {
					b.Fatal(err)
				}
				simulated += out.Duration
			}
			b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
		})
	}
}

// bare serves a setup's requests with 8 replicas that nothing scales or looks at.
func bare(b *testing.B, s scenario.Setup) time.Duration {
	fleet, err := plant.NewFleet(s.Fleet)
	if err != nil {
		b.Fatal(err)
	}
	if err := fleet.Prime(0, 8); err != nil {
		b.Fatal(err)
	}
	var last time.Duration
	served, id := 0, plant.ID(0)
	for r := range s.Workload.All(scenario.SeedOf(1)) {
		id, last = id+1, r.At
		served += len(fleet.Advance(r.At))
		fleet.Offer(r.At, plant.Request{ID: id, PromptTokens: r.Input, MaxTokens: r.Output}, s.Workload.Timeout)
	}
	if served += len(fleet.Advance(last + time.Hour)); served != int(id) {
		b.Fatalf("%d of %d were served", served, id)
	}
	return last
}

func atDesignLoad(b *testing.B, query string) *Comparison {
	service := `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llama-predictor, namespace: demo}
spec:
  scaleTargetRef: {name: llama-predictor}
  minReplicaCount: 8
  maxReplicaCount: 9
  triggers:
  - type: prometheus
    metadata: {serverAddress: "http://prometheus:9090", threshold: "100", query: '` + query + `'}
`
	docs, err := manifest.Read(manifest.File{Name: "f.yaml", Text: []byte(service)})
	if err != nil {
		b.Fatal(err)
	}
	plan, err := policy.Read(docs, policy.Options{})
	if err != nil {
		b.Fatal(err)
	}
	profiles, err := plant.Profiles()
	if err != nil {
		b.Fatal(err)
	}
	w, err := workload.Find("poisson:rate=10,duration=1h,input=4000,output=1000", nil)
	if err != nil {
		b.Fatal(err)
	}
	in := Inputs{Plan: &plan, Profiles: profiles}
	f, err := in.Scenario(Load{
		Workload: w, Profile: "qwen3-32b-h100-tp2", Objectives: []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}},
	})
	if err != nil {
		b.Fatal(err)
	}
	c, err := in.Compare(b.Context(), f)
	if err != nil {
		b.Fatal(err)
	}
	return c
}
