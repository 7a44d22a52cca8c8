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
// that Prometheus' engine answers. The goals are 40,000 and 5,000 times real time.
func BenchmarkSimulateManifest(b *testing.B) {
	for name, query := range map[string]string{
		"fast":   `sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`,
		"engine": `max_over_time(sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})[1m:15s])`,
	} {
		b.Run(name, func(b *testing.B) {
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
