package vllm

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestModels(t *testing.T) {
	for name, tc := range map[string]struct {
		command, args []string
		want          string
	}{
		"vllm serve":        {[]string{"vllm", "serve", "/mnt/models"}, []string{"--served-model-name", "llama", "--lora-modules", "sql=/a"}, "llama sql"},
		"positional":        {nil, []string{"vllm", "serve", "Qwen/Qwen3-14B", "--port", "8000"}, "Qwen/Qwen3-14B"},
		"--model":           {nil, []string{"--model", "Qwen/Qwen3-14B", "--enforce-eager"}, "Qwen/Qwen3-14B"},
		"--model=":          {nil, []string{"--model=Qwen/Qwen3-14B"}, "Qwen/Qwen3-14B"},
		"several names":     {nil, []string{"--model=/mnt", "--served-model-name", "b", "a", "--port", "80"}, "a b"},
		"underscores":       {nil, []string{"--served_model_name=a"}, "a"},
		"the last wins":     {nil, []string{"--served-model-name", "a", "--served-model-name=b"}, "b"},
		"JSON adapters":     {nil, []string{"--model=a", "--lora-modules", `{"name": "x", "path": "/x", "base_model_name": "a"}`, "y=/y"}, "a x y"},
		"hugging face":      {nil, []string{"--model_name=llama", "--model_dir=/mnt/models"}, "llama"},
		"a script":          {[]string{"/bin/bash", "-c"}, []string{"eval \"exec vllm serve /mnt/models \\\n --served-model-name \"llama\" \\\n $@\""}, "llama"},
		"a variable":        {[]string{"sh", "-c", "vllm serve $MODEL"}, nil, ""},
		"nothing is said":   {nil, nil, ""},
		"an option is last": {nil, []string{"--model"}, ""},
	} {
		p := &corev1.PodSpec{Containers: []corev1.Container{{Name: "sidecar", Args: []string{"--model=no"}}, {
			Name: ServingContainer, Command: tc.command, Args: tc.args,
		}}}
		if got := strings.Join(Models(p), " "); got != tc.want {
			t.Errorf("%s: Models() = %q, want %q", name, got, tc.want)
		}
	}
}

// INV-1: whatever stands there has a port.
func TestPort(t *testing.T) {
	declared := corev1.Container{Name: ServingContainer, Ports: []corev1.ContainerPort{{ContainerPort: 8000}}, Args: []string{"--port=1"}}
	for name, tc := range map[string]struct {
		containers []corev1.Container
		want       uint16
	}{
		"declared":     {[]corev1.Container{declared}, 8000},
		"vLLM's":       {[]corev1.Container{{Args: []string{"--port", "8123"}}}, 8123},
		"Hugging Face": {[]corev1.Container{{Args: []string{"--http_port=8124"}}}, 8124},
		"KServe's":     {[]corev1.Container{{Args: []string{"--port", "x"}}}, 8080},
		"none":         {nil, 8080},
	} {
		if got := Port(&corev1.PodSpec{Containers: tc.containers}); got != tc.want {
			t.Errorf("%s: Port() = %d, want %d", name, got, tc.want)
		}
	}
}
