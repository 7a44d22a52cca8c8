package policy

import (
	"math"
	"strconv"
	"strings"
)

// EngineArgs are vLLM's arguments as far as they are given; what is not is zero.
type EngineArgs struct {
	Model                string // as the label model_name shows it
	MaxNumSeqs           int
	MaxNumBatchedTokens  int
	MaxModelLen          int
	GPUMemoryUtilization float64
	TensorParallelSize   int
	BlockSize            int
	PrefixCaching        *bool
}

// read takes them from a command line, and refuses those that make another engine of
// it than the one that is simulated.
func (e *EngineArgs) read(line []word) error {
	if err := refuseArguments(line); err != nil {
		return err
	}
	e.Model = model(line)
	for _, a := range []struct {
		name string
		to   *int
	}{
		{"--max-num-seqs", &e.MaxNumSeqs}, {"--max-num-batched-tokens", &e.MaxNumBatchedTokens},
		{"--max-model-len", &e.MaxModelLen}, {"--tensor-parallel-size", &e.TensorParallelSize}, {"--block-size", &e.BlockSize},
	} {
		w, value, ok := argument(line, a.name)
		if !ok || a.name == "--max-model-len" && (value == "auto" || value == "-1") {
			continue
		}
		n, ok := wholeNumber(value)
		if !ok {
			return w.Fault("give a whole number above 0", "%s: %q is none", a.name, value)
		}
		*a.to = n
	}
	if w, value, ok := argument(line, "--gpu-memory-utilization"); ok {
		share, err := strconv.ParseFloat(value, 64)
		if err != nil || !(share > 0 && share <= 1) {
			return w.Fault("give a share above 0, at most 1", "--gpu-memory-utilization: %q is none", value)
		}
		e.GPUMemoryUtilization = share
	}
	e.PrefixCaching = toggle(line, "enable-prefix-caching")
	return nil
}

// refuseArguments is for what the simulated engine does not do.
func refuseArguments(line []word) error {
	const other = "remove it, or simulate with a profile that was measured with it and without the argument"
	for _, name := range []string{"--speculative-config", "--speculative-model", "--kv-transfer-config", "--config"} {
		if w, _, ok := argument(line, name); ok {
			return w.Fault(other, "%s is not simulated", name)
		}
	}
	for _, name := range []string{"--pipeline-parallel-size", "--data-parallel-size"} {
		if w, value, ok := argument(line, name); ok && value != "1" {
			return w.Fault("set it to 1", "%s %s is not simulated", name, value)
		}
	}
	if w, value, ok := argument(line, "--scheduling-policy"); ok && value != "fcfs" {
		return w.Fault("set it to fcfs", "--scheduling-policy %s is not simulated", value)
	}
	if on := toggle(line, "enable-chunked-prefill"); on != nil && !*on {
		w := find(line, "--no-enable-chunked-prefill", "--enable-chunked-prefill")
		return w.Fault("remove it", "an engine without chunked prefill is not simulated")
	}
	return nil
}

// model is the first served name, or what is served under its own.
func model(line []word) string {
	for _, name := range []string{"--served-model-name", "--model-name", "--model", "--model-id"} {
		if _, value, ok := argument(line, name); ok {
			return value
		}
	}
	for i, w := range line {
		if w.text == "serve" && i+1 < len(line) && !strings.HasPrefix(line[i+1].text, "-") {
			return line[i+1].text
		}
	}
	return ""
}

// argument is the last one of a name, given as --name=value or as two words.
func argument(line []word, name string) (at word, value string, found bool) {
	for i, w := range line {
		key, given, joined := strings.Cut(w.text, "=")
		if canonical(key) != name {
			continue
		}
		at, value, found = w, strings.Trim(given, `"'`), true
		if !joined && i+1 < len(line) {
			value = line[i+1].text
		}
	}
	return at, value, found
}

func canonical(key string) string {
	switch key {
	case "-tp":
		return "--tensor-parallel-size"
	case "-pp":
		return "--pipeline-parallel-size"
	case "-dp":
		return "--data-parallel-size"
	}
	return strings.ReplaceAll(key, "_", "-")
}

// find is the last of any of the arguments.
func find(line []word, names ...string) word {
	var last word
	for _, name := range names {
		if w, _, ok := argument(line, name); ok {
			last = w
		}
	}
	return last
}

// toggle is the last word about something that can be switched, nil if there is none.
func toggle(line []word, name string) *bool {
	var on *bool
	for _, w := range line {
		key, value, _ := strings.Cut(w.text, "=")
		switch canonical(key) {
		case "--" + name:
			on = new(!strings.EqualFold(value, "false"))
		case "--no-" + name:
			on = new(false)
		}
	}
	return on
}

// wholeNumber reads a number as vLLM does: 4096, 32k (thousands), 32K (1024s), 25.6k.
func wholeNumber(text string) (int, bool) {
	units := map[string]float64{"k": 1e3, "m": 1e6, "g": 1e9, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
	scale := 1.0
	if n := len(text); n > 0 && units[text[n-1:]] > 0 {
		scale, text = units[text[n-1:]], text[:n-1]
	}
	x, err := strconv.ParseFloat(text, 64)
	x *= scale
	if err != nil || !(x >= 1 && x <= 1<<31) || scale == 1 && x != math.Trunc(x) {
		return 0, false
	}
	return int(x), true
}
