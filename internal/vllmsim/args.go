package vllmsim

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
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
	a := Args{Port: 8000, BlockTokens: 16, GPUMemoryUtilization: 0.9, PrefixCaching: true}
	rest, err := stripCommand(argv)
	if err != nil {
		return a, err
	}
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		a.Model, rest = rest[0], rest[1:]
	}
	known := a.known()
	for len(rest) > 0 {
		if rest, err = a.next(known, rest); err != nil {
			return a, err
		}
	}
	if a.Model == "" {
		return a, hint.With(fmt.Errorf("no model given"), "name it first or with --model: vllmsim Qwen/Qwen3-14B --port 8000")
	}
	if len(a.ServedNames) == 0 {
		a.ServedNames = []string{a.Model}
	}
	return a, nil
}

// stripCommand removes what starts vLLM in an image.
func stripCommand(argv []string) ([]string, error) {
	if len(argv) == 0 {
		return nil, nil
	}
	switch program := path.Base(argv[0]); {
	case program == "vllm" && len(argv) > 1 && argv[1] == "serve":
		return argv[2:], nil
	case program == "serve":
		return argv[1:], nil
	case strings.HasPrefix(program, "python") && len(argv) > 2 && argv[1] == "-m" && argv[2] == "vllm.entrypoints.openai.api_server":
		return argv[3:], nil
	case program == "vllm", program == "sh", program == "bash", strings.HasPrefix(program, "python"):
		return nil, hint.With(fmt.Errorf("running %s: not a vLLM server", strings.Join(argv[:min(3, len(argv))], " ")),
			"the simulation understands \"vllm serve MODEL …\", \"python3 -m vllm.entrypoints.openai.api_server …\" and the arguments alone")
	}
	return argv, nil
}

// An option is one known argument.
type option struct {
	arity arity
	set   func(values []string) error
}

// arity is how many values follow an argument.
type arity int

const (
	none arity = iota
	one
	some // one or more
)

func (a *Args) known() map[string]option {
	single := func(set func(string) error) option {
		return option{one, func(v []string) error { return set(v[0]) }}
	}
	text := func(p *string) option {
		return single(func(v string) error { *p = v; return nil })
	}
	count := func(p *int, parse func(string) (int, error)) option {
		return single(func(v string) error {
			n, err := parse(v)
			if err == nil && n < 1 {
				err = fmt.Errorf("must be at least 1")
			}
			*p = n
			return err
		})
	}
	turn := func(p *bool, to bool) option {
		return option{none, func([]string) error { *p = to; return nil }}
	}
	return map[string]option{
		"--model":                  text(&a.Model),
		"--host":                   text(&a.Host),
		"--served-model-name":      {some, func(v []string) error { a.ServedNames = slices.Clone(v); return nil }},
		"--max-num-seqs":           count(&a.MaxNumSeqs, parseCount),
		"--max-num-batched-tokens": count(&a.MaxNumBatchedTokens, parseHuman),
		"--max-model-len":          single(a.setMaxModelLen),
		"--tensor-parallel-size":   count(&a.TensorParallel, parseCount),
		"-tp":                      count(&a.TensorParallel, parseCount),
		"--block-size":             single(a.setBlockSize),
		"--port":                   single(a.setPort),
		"--gpu-memory-utilization": single(a.setUtilization),
		"--shutdown-timeout":       single(a.setShutdownTimeout),
		"--dtype":                  single(checkDType),
		"--enable-prefix-caching":  turn(&a.PrefixCaching, true),
		// vLLM makes a --no- form of every switch.
		"--no-enable-prefix-caching": turn(&a.PrefixCaching, false),
		"--async-scheduling":         turn(&a.NoAsyncScheduling, false),
		"--no-async-scheduling":      turn(&a.NoAsyncScheduling, true),
		// Which version is all the same: the simulation knows one set of hidden names.
		"--show-hidden-metrics-for-version": single(func(string) error { a.ShowHiddenMetrics = true; return nil }),
	}
}

// next handles the argument at the head of args and returns what follows it.
func (a *Args) next(known map[string]option, args []string) ([]string, error) {
	name, value, joined := strings.Cut(args[0], "=")
	rest := args[1:]
	if !strings.HasPrefix(name, "-") {
		return nil, fmt.Errorf("unrecognized argument: %s", args[0])
	}
	if strings.HasPrefix(name, "--") {
		name = strings.ReplaceAll(name, "_", "-") // as vLLM's parser does
	}
	o, ok := known[name]
	n := 0 // of rest are values
	switch {
	case joined:
	case !ok || o.arity == some:
		for n < len(rest) && !strings.HasPrefix(rest[n], "-") {
			n++
		}
	case o.arity == one:
		n = min(1, len(rest))
	}
	values := rest[:n]
	if joined {
		values = []string{value}
	}
	if !ok {
		a.Ignored = append(a.Ignored, name)
		return rest[n:], nil
	}
	return rest[n:], o.apply(name, values)
}

func (o option) apply(name string, values []string) error {
	switch {
	case o.arity == none && len(values) > 0:
		return fmt.Errorf("argument %s: takes no value, got %q", name, values[0])
	case o.arity != none && len(values) == 0:
		return fmt.Errorf("argument %s: expected a value", name)
	}
	if err := o.set(values); err != nil {
		return fmt.Errorf("argument %s: invalid value %q: %w", name, values[0], err)
	}
	return nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("not a whole number")
	}
	return n, nil
}

// parseHuman reads vLLM's counts: 1k is 1000, 1K is 1024, and 25.6k is 25,600.
func parseHuman(s string) (int, error) {
	scale := map[byte]float64{'k': 1e3, 'm': 1e6, 'g': 1e9, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
	if s != "" && scale[s[len(s)-1]] > 0 {
		f, err := strconv.ParseFloat(s[:len(s)-1], 64)
		if err != nil || f != f || f < 0 || f > 1e6 {
			return 0, fmt.Errorf("not a number")
		}
		return int(f * scale[s[len(s)-1]]), nil
	}
	return parseCount(s)
}

func (a *Args) setMaxModelLen(v string) error {
	if v == "auto" || v == "-1" { // as long as the cache allows
		a.MaxModelLen = autoModelLen
		return nil
	}
	n, err := parseHuman(v)
	if err == nil && n < 2 {
		err = fmt.Errorf("must be at least 2")
	}
	a.MaxModelLen = n
	return err
}

func (a *Args) setBlockSize(v string) error {
	n, err := parseCount(v)
	if err == nil && !slices.Contains([]int{1, 8, 16, 32, 64, 128, 256}, n) {
		err = fmt.Errorf("must be one of 1, 8, 16, 32, 64, 128, 256")
	}
	a.BlockTokens = n
	return err
}

func (a *Args) setPort(v string) error {
	n, err := parseCount(v)
	if err == nil && (n < 1 || n > 65535) {
		err = fmt.Errorf("must be from 1 to 65535")
	}
	a.Port = n
	return err
}

func (a *Args) setUtilization(v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f != f || f <= 0 || f > 1 {
		return fmt.Errorf("must be a number above 0 and at most 1")
	}
	a.GPUMemoryUtilization = f
	return nil
}

func (a *Args) setShutdownTimeout(v string) error {
	n, err := parseCount(v)
	if err == nil && (n < 0 || n > 86400) {
		err = fmt.Errorf("must be seconds, from 0 to 86400")
	}
	a.ShutdownTimeout = time.Duration(n) * time.Second
	return err
}

func checkDType(v string) error {
	if !slices.Contains([]string{"auto", "half", "float16", "bfloat16", "float", "float32"}, v) {
		return fmt.Errorf("must be one of auto, half, float16, bfloat16, float, float32")
	}
	return nil
}
