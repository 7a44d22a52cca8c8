package vllmsim

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// INV-1: the command line is vLLM's, in all forms that images and manifests use.
func TestParseArgs(t *testing.T) {
	plain := Args{Model: "m", ServedNames: []string{"m"}, Port: 8000, BlockTokens: 16, GPUMemoryUtilization: 0.9, PrefixCaching: true}
	with := func(change func(*Args)) Args { a := plain; change(&a); return a }
	for _, c := range []struct {
		line string
		want Args
	}{
		{"m", plain},
		{"--model m", plain},
		{"serve m", plain},
		{"vllm serve m", plain},
		{"/usr/local/bin/vllm serve m", plain},
		{"python3 -m vllm.entrypoints.openai.api_server --model=m", plain},
		{"m --port 80 --host=127.0.0.1", with(func(a *Args) { a.Port, a.Host = 80, "127.0.0.1" })},
		{"/mnt/models --served-model-name Qwen/Qwen3-14B qwen", with(func(a *Args) {
			a.Model, a.ServedNames = "/mnt/models", []string{"Qwen/Qwen3-14B", "qwen"}
		})},
		{"m --served-model-name=x --max_num_seqs=4", with(func(a *Args) { a.ServedNames, a.MaxNumSeqs = []string{"x"}, 4 })},
		{"m --max-model-len 8k --max-num-batched-tokens 2K -tp 2", with(func(a *Args) {
			a.MaxModelLen, a.MaxNumBatchedTokens, a.TensorParallel = 8000, 2048, 2
		})},
		{"m --max-model-len auto", with(func(a *Args) { a.MaxModelLen = -1 })},
		{"m --max-model-len -1", with(func(a *Args) { a.MaxModelLen = -1 })},
		{"m --no-enable-prefix-caching --dtype bfloat16", with(func(a *Args) { a.PrefixCaching = false })},
		{"m --no-enable-prefix-caching --enable-prefix-caching", plain},
		{"m --no-async-scheduling", with(func(a *Args) { a.NoAsyncScheduling = true })},
		{"m --gpu-memory-utilization 0.5 --block-size=32", with(func(a *Args) { a.GPUMemoryUtilization, a.BlockTokens = 0.5, 32 })},
		{"m --shutdown-timeout 30", with(func(a *Args) { a.ShutdownTimeout = 30 * time.Second })},
		{"m --show-hidden-metrics-for-version 0.11", with(func(a *Args) { a.ShowHiddenMetrics = true })},
		{"m --enforce-eager --lora-modules a=b c=d --swap-space=4 --port 9", with(func(a *Args) {
			a.Ignored, a.Port = []string{"--enforce-eager", "--lora-modules", "--swap-space"}, 9
		})},
	} {
		got, err := ParseArgs(strings.Fields(c.line))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("ParseArgs(%s): %v, -want +got\n%s", c.line, err, diff)
		}
	}
}

func TestParseArgsRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"":                                 "no model given",
		"--port 80":                        "no model given",
		"m --port":                         "argument --port: expected a value",
		"m --port http":                    `argument --port: invalid value "http": not a whole number`,
		"m --port=0":                       `argument --port: invalid value "0": must be from 1 to 65535`,
		"m --max-num-seqs 0":               `argument --max-num-seqs: invalid value "0": must be at least 1`,
		"m --max-num-seqs 1k":              `argument --max-num-seqs: invalid value "1k": not a whole number`,
		"m --max-model-len 1x":             `argument --max-model-len: invalid value "1x": not a whole number`,
		"m --max-model-len k":              `argument --max-model-len: invalid value "k": not a number`,
		"m --gpu-memory-utilization 90":    `argument --gpu-memory-utilization: invalid value "90": must be a number above 0 and at most 1`,
		"m --gpu-memory-utilization NaN":   `argument --gpu-memory-utilization: invalid value "NaN": must be a number above 0 and at most 1`,
		"m --dtype int8":                   `argument --dtype: invalid value "int8": must be one of auto, half, float16, bfloat16, float, float32`,
		"m --block-size 5":                 `argument --block-size: invalid value "5": must be one of 1, 8, 16, 32, 64, 128, 256`,
		"m --shutdown-timeout 5s":          `argument --shutdown-timeout: invalid value "5s": not a whole number`,
		"m --tensor-parallel-size=":        `argument --tensor-parallel-size: invalid value "": not a whole number`,
		"m --served-model-name --port 1":   "argument --served-model-name: expected a value",
		"m --enable-prefix-caching=yes":    `argument --enable-prefix-caching: takes no value, got "yes"`,
		"m --port 80 stray":                "unrecognized argument: stray",
		"/bin/sh -c vllm":                  "running /bin/sh -c vllm: not a vLLM server",
		"vllm bench m":                     "running vllm bench m: not a vLLM server",
		"python3 serve.py":                 "running python3 serve.py: not a vLLM server",
		"m --max-num-batched-tokens -5000": `argument --max-num-batched-tokens: invalid value "-5000": must be at least 1`,
	} {
		if _, err := ParseArgs(strings.Fields(line)); err == nil || err.Error() != want {
			t.Errorf("ParseArgs(%s) = %v, want %s", line, err, want)
		}
	}
}

func TestParseSettings(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Settings
		err  string
	}{
		{nil, Settings{Profile: "qwen3-14b-h100", Speed: 1}, ""},
		{
			map[string]string{
				"FLYBALL_SIM_PROFILE": "llama-3.1-8b-l40s", "FLYBALL_SIM_WEIGHTS": "20s", "FLYBALL_SIM_WARMUP": "1m",
				"FLYBALL_SIM_JITTER": "0.1", "FLYBALL_SIM_SPEED": "10", "FLYBALL_POD_IP": "127.1.16.4",
			},
			Settings{"llama-3.1-8b-l40s", 20 * time.Second, time.Minute, 0.1, 10, "127.1.16.4"}, "",
		},
		{map[string]string{"FLYBALL_SIM_WEIGHTS": "20"}, Settings{}, `FLYBALL_SIM_WEIGHTS: "20" is not a duration such as 20s`},
		{map[string]string{"FLYBALL_SIM_WARMUP": "-1s"}, Settings{}, `FLYBALL_SIM_WARMUP: "-1s" is not a duration such as 20s`},
		{map[string]string{"FLYBALL_SIM_JITTER": "2"}, Settings{}, `FLYBALL_SIM_JITTER: "2" is not a number from 0 to 1`},
		{map[string]string{"FLYBALL_SIM_SPEED": "0.5"}, Settings{}, `FLYBALL_SIM_SPEED: "0.5" is not a number from 1 to 1e+06`},
	} {
		got, err := ParseSettings(func(name string) string { return c.env[name] })
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("ParseSettings(%v) = %v, want %s", c.env, err, c.err)
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("ParseSettings(%v) = %+v, %v, want %+v", c.env, got, err, c.want)
		}
	}
}
