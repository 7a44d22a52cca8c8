package vllmsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// Args is vLLM's command line as far as the simulation uses it. A zero limit is
// the profile's.
type Args struct {
	Model                string
	ServedNames          []string // the first labels the metrics
	Host                 string
	Port                 int
	MaxNumSeqs           int
	MaxNumBatchedTokens  int
	MaxModelLen          int
	TensorParallel       int // 0: the profile's
	BlockTokens          int
	GPUMemoryUtilization float64
	PrefixCaching        bool
	NoAsyncScheduling    bool
	ShutdownTimeout      time.Duration
	ShowHiddenMetrics    bool
	// Ignored names the arguments that vLLM may know and the simulation does not use.
	Ignored []string
}

// ParseArgs reads a container's command and arguments: "vllm serve MODEL …",
// "python3 -m vllm.entrypoints.openai.api_server --model MODEL …", or the
// arguments alone. vLLM has hundreds of arguments: unknown ones are let through,
// but a value that vLLM would refuse is an error.
func ParseArgs(argv []string) (Args, error) {
	c := vllm.Parse(argv)
	if c.Program == vllm.Other {
		return Args{}, hint.With(fmt.Errorf("running %s: not a vLLM server", strings.Join(argv[:min(3, len(argv))], " ")),
			"the simulation understands \"vllm serve MODEL …\", \"python3 -m vllm.entrypoints.openai.api_server …\" and the arguments alone")
	}
	given, faults := c.Args()
	a := Args{
		Model: given.Model, ServedNames: given.ServedNames, Host: given.Host, Port: cmp.Or(given.Port, 8000),
		MaxNumSeqs: given.MaxNumSeqs, MaxNumBatchedTokens: given.MaxNumBatchedTokens, MaxModelLen: given.MaxModelLen,
		TensorParallel: given.TensorParallelSize, BlockTokens: cmp.Or(given.BlockSize, 16),
		GPUMemoryUtilization: cmp.Or(given.GPUMemoryUtilization, 0.9),
		PrefixCaching:        given.PrefixCaching == nil || *given.PrefixCaching,
		NoAsyncScheduling:    given.AsyncScheduling != nil && !*given.AsyncScheduling,
		ShowHiddenMetrics:    given.HiddenMetrics,
	}
	if given.ShutdownTimeout != nil {
		a.ShutdownTimeout = *given.ShutdownTimeout
	}
	a.Ignored = ignored(c)
	for _, f := range slices.Concat(c.Faults, faults) {
		if f.Unknown == "" {
			return a, hint.With(&f, "%s", f.Fix)
		}
		a.Ignored = append(a.Ignored, "--"+f.Unknown)
	}
	if a.Model == "" {
		return a, hint.With(fmt.Errorf("no model given"), "name it first or with --model: vllmsim Qwen/Qwen3-14B --port 8000")
	}
	if len(a.ServedNames) == 0 {
		a.ServedNames = []string{a.Model}
	}
	return a, nil
}

// ignored are the known arguments that the simulated server makes nothing of.
func ignored(c vllm.Command) []string {
	var names []string
	for _, a := range c.Arguments {
		unused := slices.Contains([]string{"lora-modules", "uds", "ssl-keyfile", "ssl-certfile", "disable-log-stats"}, a.Name)
		if unused || a.Use != vllm.Simulated && a.Name != "dtype" {
			names = append(names, "--"+a.Name)
		}
	}
	return names
}
