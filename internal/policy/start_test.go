package policy

import (
	"fmt"
	"strings"
	"testing"
)

// The model is that of the storage, where its address tells one.
func TestStoredModel(t *testing.T) {
	service := text(t, "external")
	for uri, want := range map[string]string{
		"hf://Qwen/Qwen3-14B:main": "Qwen/Qwen3-14B", "s3://models/meta-llama/Llama-3.1-8B-Instruct/": "models/meta-llama/Llama-3.1-8B-Instruct",
		"pvc://weights": "/mnt/models", "s3://models/llm-demo/": "/mnt/models",
	} {
		s, err := serviceOf(replaced(t, service, "hf://Qwen/Qwen3-14B", uri))
		if err != nil || s.Engine.Model != want {
			t.Errorf("%s: model %q, %v, want %q", uri, s.Engine.Model, err, want)
		}
	}
}

// What claims ask for is not known here.
func TestResourceClaims(t *testing.T) {
	claims := strings.Replace(started, "      containers:", "      resourceClaims: [{name: gpu, resourceClaimTemplateName: gpu}]\n      containers:", 1)
	s, err := serviceOf(fmt.Sprintf(claims, "paused: false", "vllm/vllm-openai", "", 0))
	if notes := strings.Join(s.Notes, "\n"); err != nil || !strings.Contains(notes, "resource claims") || strings.Contains(notes, "no whole GPU") {
		t.Errorf("%v, notes %s", err, notes)
	}
}

// started is a Deployment that a ScaledObject keeps between 1 and 4.
const started = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a, namespace: demo}
spec:
  scaleTargetRef: {name: a}
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers: [{type: prometheus, metadata: {serverAddress: "http://p:9090", threshold: "8", query: "sum(vllm:num_requests_running)"}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: demo}
spec:
  %s
  template:
    spec:
      containers: [{name: vllm, image: "%s", args: [%s], resources: {limits: {nvidia.com/gpu: %d}}}]
`

// Whatever of a pod's start may matter is taken, or said.
func TestStart(t *testing.T) {
	for name, c := range map[string]struct {
		spec, image, args string
		gpus              int
		note              string
		replicas, used    int
	}{
		"plain":      {"paused: false", "vllm/vllm-openai", "--model=m", 1, "", 0, 0},
		"replicas":   {"replicas: 3", "vllm/vllm-openai", "--model=m", 1, "the run starts with its 3 replicas", 3, 0},
		"at minimum": {"replicas: 1", "vllm/vllm-openai", "--model=m", 1, "", 1, 0},
		"rollout":    {"minReadySeconds: 60", "vllm/vllm-openai", "--model=m", 1, "spec.minReadySeconds is left out", 0, 0},
		"newer":      {"paused: false", "vllm/vllm-openai:v0.40.0", "--model=m", 1, "vLLM 0.40 is simulated as 0.32", 0, 0},
		"no GPU":     {"paused: false", "vllm/vllm-openai", "--model=m", 0, "its pods ask for no whole GPU", 0, 0},
		"unknown":    {"paused: false", "my/server", "", 2, "2 GPUs each, and the engine is taken to use them all", 0, 2},
	} {
		s, err := serviceOf(fmt.Sprintf(started, c.spec, c.image, c.args, c.gpus))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		notes := strings.Join(s.Notes, "\n")
		said := strings.Contains(notes, "Deployment") || strings.Contains(notes, "simulated as") || strings.Contains(notes, "GPU")
		if s.Replicas != c.replicas || s.Engine.TensorParallelSize != c.used || !strings.Contains(notes, c.note) || said != (c.note != "") {
			t.Errorf("%s: %d replicas, %d GPUs used, notes %s; want %d, %d, %q", name, s.Replicas, s.Engine.TensorParallelSize, notes, c.replicas, c.used, c.note)
		}
	}
}
