package simulate

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// No model runs as one of another size, nor on other GPUs than its pods ask for.
func TestProfileFor(t *testing.T) {
	all, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model, gpu string
		gpus       int
		want       string // "" if there is none
	}{
		{"", "", 0, DefaultProfile},
		{"/mnt/models", "", 1, DefaultProfile},
		{"Qwen/Qwen3-14B", "A100", 1, "qwen3-14b-a100"},
		{"meta-llama/Llama-3.1-8B-Instruct", "", 1, "llama-3.1-8b-h100"},
		{"Qwen/Qwen2.5-7B-Instruct", "", 1, "llama-3.1-8b-h100"},
		{"Qwen/Qwen2.5-7B-Instruct", "L40S", 1, "llama-3.1-8b-l40s"},
		{"deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "", 4, "llama-3.1-70b-h100-tp4"},
		{"Qwen/Qwen3-32B", "", 1, ""},
		{"meta-llama/Llama-3.1-70B-Instruct", "", 1, ""},
		{"Qwen/Qwen3-0.6B", "", 1, ""},
		{"Qwen/Qwen3-14B", "L4", 1, ""},
		{"/mnt/models", "", 8, ""},
	} {
		p := &policy.Service{GPU: c.gpu, Engine: vllm.Args{Model: c.model, TensorParallelSize: c.gpus}}
		if got, err := profileFor(p, all); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("profileFor(%s, %d×%s) = %q, %v, want %q", c.model, c.gpus, c.gpu, got, err, c.want)
		}
	}
}

// Worked example: an engine that answers after 60 s is ready after 65, or once the delay of
// its probe is over; with a probe that gives up before it never is.
func TestStarting(t *testing.T) {
	start := plant.ColdStart{Load: plant.Phase{Mean: 40 * time.Second}, Compile: plant.Phase{Mean: 20 * time.Second}, Ready: plant.Phase{Mean: 5 * time.Second, CV: .3}}
	for _, c := range []struct {
		probes pod.Probes
		want   time.Duration // until it is ready; 0: never
	}{
		{pod.Probes{}, 65 * time.Second},
		{pod.Probes{ReadyAfter: 30 * time.Second}, 65 * time.Second},
		{pod.Probes{ReadyAfter: 4 * time.Minute}, 4 * time.Minute},
		{pod.Probes{GivesUp: time.Minute, By: "livenessProbe"}, 65 * time.Second},
		{pod.Probes{GivesUp: 59 * time.Second, By: "livenessProbe"}, 0},
	} {
		got, err := starting(&policy.Service{Probes: c.probes}, start)
		if (err != nil) != (c.want == 0) || err == nil && got.Mean() != c.want {
			t.Errorf("starting(%v) = %v, %v, want %v", c.probes, got.Mean(), err, c.want)
		}
	}
}

// A Deployment's replicas are those that a run starts with, but not more than may be.
func TestStartsWithReplicas(t *testing.T) {
	in, load := inputsOf(t, scaledBy("sum(vllm:num_requests_running)"))
	for given, want := range map[int]int{0: in.Plan.Min, 3: 3, 100: in.Plan.Max} {
		in.Plan.Replicas = given
		f, err := in.Scenario(load)
		if err != nil || f.Setup.Start != want {
			t.Errorf("%d replicas: starts with %d, %v, want %d", given, f.Setup.Start, err, want)
		}
	}
	in.Plan.Replicas, load.Start = 3, new(1)
	if f, err := in.Scenario(load); err != nil || f.Setup.Start != 1 {
		t.Errorf("--start 1: starts with %d, %v", f.Setup.Start, err)
	}
}
