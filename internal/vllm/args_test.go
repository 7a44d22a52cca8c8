package vllm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/flyball-dev/flyball/internal/vllm"
)

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

func TestArgs(t *testing.T) {
	for line, want := range map[string]vllm.Args{
		"m":                             {Model: "m"},
		"--model=m --port 80 --host ::": {Model: "m", Port: 80, Host: "::"},
		"/mnt --served-model-name a b":  {Model: "/mnt", ServedNames: []string{"a", "b"}},
		"m --max-num-seqs=4 -tp 2":      {Model: "m", MaxNumSeqs: 4, TensorParallelSize: 2},
		"m --max-model-len 8k --max_num_batched_tokens 2K": {Model: "m", MaxModelLen: 8000, MaxNumBatchedTokens: 2048},
		"m --max-model-len auto":                           {Model: "m", MaxModelLen: vllm.AutoModelLen},
		"m --max-model-len -1":                             {Model: "m", MaxModelLen: vllm.AutoModelLen},
		"m --no-enable-prefix-caching":                     {Model: "m", PrefixCaching: new(false)},
		"m --no-enable-prefix-caching --enable-prefix-caching --no-async-scheduling": {Model: "m", PrefixCaching: new(true), AsyncScheduling: new(false)},
		"m --gpu-memory-utilization 0.5 --block-size=32 --shutdown-timeout 30":       {Model: "m", GPUMemoryUtilization: 0.5, BlockSize: 32, ShutdownTimeout: new(30 * time.Second)},
		"m --ssl-keyfile k --uds /s --disable-log-stats":                             {Model: "m", TLS: true, UDS: "/s", NoStats: true},
		"m --show-hidden-metrics-for-version 0.11":                                   {Model: "m", HiddenMetrics: true},
		`m --lora-modules {"name":"x","path":"/x"} y=/y`:                             {Model: "m", Adapters: []string{"x", "y"}},
		"m --max-num-seqs $N --port ${P}":                                            {Model: "m"},
	} {
		got, faults := vllm.Parse(strings.Fields(line)).Args()
		if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
			t.Errorf("Args(%s): %v, -want +got\n%s", line, faults, diff)
		}
	}
}

func TestArgsFaults(t *testing.T) {
	for line, want := range map[string]string{
		"--port http":                    `argument --port: invalid value "http": not a whole number; give a port such as 8000`,
		"--port=0":                       `argument --port: invalid value "0": must be from 1 to 65535; give a port such as 8000`,
		"--max-num-seqs 0":               `argument --max-num-seqs: invalid value "0": must be at least 1; give a whole number above 0`,
		"--max-num-seqs 1k":              `argument --max-num-seqs: invalid value "1k": not a whole number; give a whole number above 0`,
		"--max-model-len 1x":             `argument --max-model-len: invalid value "1x": not a whole number; give tokens such as 32768 or 32k`,
		"--max-model-len k":              `argument --max-model-len: invalid value "k": not a number; give tokens such as 32768 or 32k`,
		"--gpu-memory-utilization NaN":   `argument --gpu-memory-utilization: invalid value "NaN": must be a number above 0 and at most 1; give a share such as 0.9`,
		"--dtype int8":                   `argument --dtype: invalid value "int8": must be one of auto, half, float16, bfloat16, float, float32; give auto`,
		"--block-size 5":                 `argument --block-size: invalid value "5": must be one of 1, 8, 16, 32, 64, 128, 256; give one of 16, 32, 64, 128`,
		"--shutdown-timeout 5s":          `argument --shutdown-timeout: invalid value "5s": not a whole number; give seconds such as 30`,
		"--tensor-parallel-size=":        `argument --tensor-parallel-size: invalid value "": not a whole number; give a whole number above 0`,
		"--max-num-batched-tokens -5000": `argument --max-num-batched-tokens: invalid value "-5000": must be at least 1; give a whole number above 0`,
	} {
		_, faults := vllm.Parse(strings.Fields(line)).Args()
		if len(faults) != 1 || faults[0].What+"; "+faults[0].Fix != want {
			t.Errorf("Args(%s): %v, want %s", line, faults, want)
		}
	}
}

// 25.6K has no fraction of 1024s, as in vLLM.
func TestHumanInt(t *testing.T) {
	for text, want := range map[string]int{"4096": 4096, "32k": 32000, "32K": 32768, "25.6k": 25600, "1m": 1e6, "25.6K": 0, "0": 0, "-1": -1, "1.5": 0, "k": 0, "NaN": 0, "9999t": 0} {
		a, faults := vllm.Parse([]string{"--max-model-len", text}).Args()
		if want < 2 && text != "-1" && len(faults) != 1 || want >= 2 && (len(faults) > 0 || a.MaxModelLen != want) {
			t.Errorf("--max-model-len %s = %d, %v, want %d", text, a.MaxModelLen, faults, want)
		}
	}
}

// What clients may ask for, and where.
func TestModelsAndPort(t *testing.T) {
	for _, tc := range []struct {
		of   corev1.Container
		want string
		port uint16
	}{
		{corev1.Container{Args: []string{"vllm", "serve", "/mnt/models", "--served-model-name", "llama", "--lora-modules", "sql=/a"}}, "llama sql", 8080},
		{corev1.Container{Args: []string{"--model=/mnt", "--served-model-name", "b", "a", "--port", "80"}}, "a b", 80},
		{corev1.Container{Args: []string{"--model_name=llama", "--model_dir=/mnt/models", "--http_port=8124"}}, "llama", 8124},
		{corev1.Container{Command: []string{"sh", "-c", "vllm serve $MODEL"}}, "", 8080},
		{corev1.Container{Args: []string{"--model=m", "--port=1"}, Ports: []corev1.ContainerPort{{ContainerPort: 8000}}}, "m", 8000},
		{corev1.Container{Args: []string{"--model"}}, "", 8080},
		{corev1.Container{}, "", 8080},
	} {
		a, _ := vllm.CommandOf(&tc.of).Args()
		if got, port := strings.Join(a.Models(), " "), vllm.PortOf(&tc.of, a); got != tc.want || port != tc.port {
			t.Errorf("%v: models %q, port %d, want %q, %d", tc.of.Args, got, port, tc.want, tc.port)
		}
	}
}

func TestVersionOf(t *testing.T) {
	for image, want := range map[string]bool{
		"vllm/vllm-openai:v0.18.0": true, "r.io:5000/x/vllm-openai:v1.0.0@sha256:0": true, "vllm-openai-rocm:0.19.1": true,
		"vllm/vllm-openai:v0.17.1": false, "vllm/vllm-openai:latest": false, "vllm/vllm-openai": false, "r.io:5000/vllm-openai": false, "nvcr.io/vllm:25.09.1": false,
	} {
		if got := vllm.VersionOf(image).Since(0, 18); got != want {
			t.Errorf("VersionOf(%s).Since(0, 18) = %v, want %v", image, got, want)
		}
	}
}
