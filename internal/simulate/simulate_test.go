package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// scaledBy is a ScaledObject with one query.
func scaledBy(query string) string {
	return fmt.Sprintf(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llama-predictor, namespace: demo}
spec:
  scaleTargetRef: {name: llama-predictor}
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: prometheus
    metadata: {serverAddress: "http://prometheus:9090", threshold: "4", query: '%s'}
`, query)
}

func inputsOf(tb testing.TB, text string) (Inputs, Load) {
	tb.Helper()
	plan, err := policy.Read([]manifest.File{{Name: "f.yaml", Text: []byte(text)}}, "")
	if err != nil {
		tb.Fatal(err)
	}
	profiles, err := plant.Profiles()
	if err != nil {
		tb.Fatal(err)
	}
	w, err := workload.Find("poisson:rate=4,duration=5m,input=800,output=150", nil)
	if err != nil {
		tb.Fatal(err)
	}
	objective := score.Objective{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}
	return Inputs{Plan: &plan, Profiles: profiles}, Load{Workload: w, Objectives: []score.Objective{objective}}
}

func compare(tb testing.TB, in Inputs, l Load) (*Comparison, error) {
	tb.Helper()
	f, err := in.Scenario(l)
	if err != nil {
		tb.Fatal(err)
	}
	return in.Compare(tb.Context(), f)
}

// INV-1.
func TestSameRows(t *testing.T) {
	rows := func() []Row {
		in, load := inputsOf(t, scaledBy(`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`))
		in.Laws = []string{"hpa", "static:n=2"}
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), 2, func() {}); err != nil {
			t.Fatal(err)
		}
		return c.Rows()
	}
	many := rows()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(many, rows()); diff != "" {
		t.Errorf("on one core other rows (-many +one):\n%s", diff)
	}
	if many[0].Excess == nil || many[2].Excess != nil {
		t.Errorf("excess %v of a law and %v of hindsight", many[0].Excess, many[2].Excess)
	}
}

// INV-2: what a query without a namespace reads more of.
func TestNeighbours(t *testing.T) {
	for query, want := range map[string]string{
		`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`: "",
		`sum(vllm:num_requests_running{isvc_name="llama"})`:                  "reads other services too, here one of the same load with {isvc_name=\"llama\",",
		`sum(vllm:num_requests_running{isvc_name="alpaca"})`:                 "reads no series of this service",
	} {
		in, load := inputsOf(t, scaledBy(query))
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := c.Notes()
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(notes, "\n")
		if !strings.Contains(all, want) || want == "" && strings.Contains(all, " reads ") {
			t.Errorf("%s: want a note %q in\n%s", query, want, all)
		}
	}
}

// INV-3: also where the query stands in a manifest.
func TestUnknownMetric(t *testing.T) {
	in, load := inputsOf(t, scaledBy(`sum(nv_inference_count{isvc_name="llama"})`))
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), 1, func() {}); err == nil || !strings.Contains(err.Error(), "nv_inference_count, which a simulated vLLM does not have") {
		t.Errorf("Run = %v", err)
	}
}

// wakes is a service of class external that may be at zero, with a query and these
// further metrics.
func wakes(further string) string {
	return `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: demo
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: external}
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 4
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.23.0
      args: [--model=Qwen/Qwen3-14B]
      resources: {requests: {cpu: "1"}, limits: {nvidia.com/gpu: "1"}}
    autoScaling:
      metrics:
      - type: External
        external:
          metric: {backend: prometheus, serverAddress: "http://prometheus:9090", query: 'sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})'}
          target: {type: Value, value: "8"}
` + further
}

// A service at zero is woken by what its gateways hold, whatever metrics it has besides:
// as the notes say, and as the controller does.
func TestWakesWithCPU(t *testing.T) {
	for name, further := range map[string]string{
		"a query": "",
		"a query and cpu": `
      - type: Resource
        resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
`,
	} {
		in, load := inputsOf(t, wakes(further))
		c, err := compare(t, in, load)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := c.Notes()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context(), 1, func() {}); err != nil {
			t.Fatal(err)
		}
		r := c.Contenders[0].Results[0]
		if r.Aborted > 0 || r.AverageReplicas == 0 || !strings.Contains(strings.Join(notes, "\n"), "to hold its requests and to wake it") {
			t.Errorf("%s: %d of %d requests aborted, %v replicas on average; want all answered, as the notes say:\n%s",
				name, r.Aborted, r.Requests, r.AverageReplicas, strings.Join(notes, "\n"))
		}
	}
}

// A run that does not end is not waited for, and what had ended is kept.
func TestInterrupted(t *testing.T) {
	in, load := inputsOf(t, scaledBy(`sum(vllm:num_requests_running{isvc_name="llama",namespace="demo"})`))
	in.Laws = []string{"static:n=2"}
	c, err := compare(t, in, load)
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{})
	defer close(stuck)
	c.Contenders = append(c.Contenders, &Contender{Name: "stuck", Build: func(f law.Facts) (law.Law, []string, error) {
		<-stuck
		return scenario.Named("static:n=1")(f)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err = c.Run(ctx, 1, func() {
		if n++; n == 2 {
			cancel()
		}
	})
	if !errors.Is(err, ErrInterrupted) || err.Error() != "interrupted after 2 of 3 runs" {
		t.Errorf("Run = %v", err)
	}
	var names []string
	for _, r := range c.Rows() {
		names = append(names, r.Law)
	}
	if diff := cmp.Diff([]string{"demo/llama-predictor", "static:n=2"}, names); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
