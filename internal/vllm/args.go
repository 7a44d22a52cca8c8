package vllm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Args are the options that somebody here acts on. What is not given is zero or nil, and
// is then as vLLM has it by default.
type Args struct {
	Model       string   // as it is loaded
	ServedNames []string // as clients call it, in the order given; the first labels the metrics
	Adapters    []string // names of LoRA adapters

	Host string
	Port int
	UDS  string // a Unix socket instead of both
	TLS  bool

	MaxNumSeqs           int
	MaxNumBatchedTokens  int
	MaxModelLen          int // AutoModelLen: as long as the cache allows
	TensorParallelSize   int
	BlockSize            int // in tokens
	GPUMemoryUtilization float64
	PrefixCaching        *bool
	AsyncScheduling      *bool
	ShutdownTimeout      *time.Duration
	HiddenMetrics        bool // those of an earlier version are shown
	NoStats              bool // the series of the engine are not exported
}

// AutoModelLen is what "auto" and -1 ask for as the model's length.
const AutoModelLen = -1

// Args reads the values. What vLLM would not take is a fault.
func (c Command) Args() (Args, []Fault) {
	r := reader{command: c}
	a := Args{
		Model:       c.Positional,
		ServedNames: c.list("served-model-name"),
		Host:        c.Value("host"), UDS: c.Value("uds"),
		TLS:     c.Value("ssl-certfile") != "" || c.Value("ssl-keyfile") != "",
		NoStats: c.Value("disable-log-stats") == "true",

		MaxNumSeqs:           r.count("max-num-seqs", plainInt),
		MaxNumBatchedTokens:  r.count("max-num-batched-tokens", humanInt),
		MaxModelLen:          r.modelLen(),
		TensorParallelSize:   r.count("tensor-parallel-size", plainInt),
		BlockSize:            r.blockSize(),
		GPUMemoryUtilization: r.share("gpu-memory-utilization"),
		PrefixCaching:        c.toggle("enable-prefix-caching"),
		AsyncScheduling:      c.toggle("async-scheduling"),
		ShutdownTimeout:      r.seconds("shutdown-timeout"),
	}
	_, a.HiddenMetrics = c.Last("show-hidden-metrics-for-version")
	for _, name := range []string{"model", "model-id", "model-dir"} {
		if a.Model == "" {
			a.Model = c.Value(name)
		}
	}
	if name := c.Value("model-name"); name != "" && len(a.ServedNames) == 0 {
		a.ServedNames = []string{name}
	}
	if a.Port = r.port("port"); a.Port == 0 {
		a.Port = r.port("http-port")
	}
	a.Adapters = adapters(c.list("lora-modules"))
	r.choice("dtype", "auto", "half", "float16", "bfloat16", "float", "float32")
	return a, r.faults
}

// ModelName is the label model_name of the metrics.
func (a Args) ModelName() string {
	if len(a.ServedNames) > 0 {
		return a.ServedNames[0]
	}
	return a.Model
}

// Models are the names that clients may ask for, sorted.
func (a Args) Models() []string {
	names := slices.Concat(a.ServedNames, a.Adapters)
	if len(a.ServedNames) == 0 {
		names = append(names, a.Model)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || strings.Contains(n, "$") })
	slices.Sort(names)
	return slices.Compact(names)
}

func (c Command) list(name string) []string {
	a, _ := c.Last(name)
	return slices.Clone(a.Values)
}

func (c Command) toggle(name string) *bool {
	a, ok := c.Last(name)
	if !ok {
		return nil
	}
	return new(!a.Off)
}

// adapters are the names of LoRA modules, written name=path or as JSON.
func adapters(modules []string) []string {
	var names []string
	for _, module := range modules {
		var asJSON struct{ Name string }
		switch name, _, ok := strings.Cut(module, "="); {
		case json.Unmarshal([]byte(module), &asJSON) == nil:
			names = append(names, asJSON.Name)
		case ok:
			names = append(names, name)
		}
	}
	return names
}

// A reader collects what is wrong with values.
type reader struct {
	command Command
	faults  []Fault
}

// fault is one of a value, in the words that vLLM's parser begins with.
func (r *reader) fault(a Argument, fix, what string) {
	value := ""
	if len(a.Values) > 0 {
		value = a.Values[0]
	}
	r.faults = append(r.faults, Fault{Word: a.Word, What: fmt.Sprintf("argument --%s: invalid value %q: %s", a.Name, value, what), Fix: fix})
}

// value is the one that counts; one with a variable in it is not known, and left out.
func (r *reader) value(name string) (Argument, string, bool) {
	a, ok := r.command.Last(name)
	if !ok || len(a.Values) == 0 || strings.Contains(a.Values[0], "$") {
		return a, "", false
	}
	return a, a.Values[0], true
}

func (r *reader) count(name string, parse func(string) (int, string)) int {
	a, value, ok := r.value(name)
	if !ok {
		return 0
	}
	n, wrong := parse(value)
	if wrong == "" && n < 1 {
		wrong = "must be at least 1"
	}
	if wrong != "" {
		r.fault(a, "give a whole number above 0", wrong)
		return 0
	}
	return n
}

func (r *reader) modelLen() int {
	a, value, ok := r.value("max-model-len")
	switch {
	case !ok:
		return 0
	case value == "-1" || strings.EqualFold(value, "auto"):
		return AutoModelLen
	}
	n, wrong := humanInt(value)
	if wrong == "" && n < 2 {
		wrong = "must be at least 2"
	}
	if wrong != "" {
		r.fault(a, "give tokens such as 32768 or 32k", wrong)
		return 0
	}
	return n
}

func (r *reader) blockSize() int {
	a, value, ok := r.value("block-size")
	if !ok {
		return 0
	}
	n, wrong := plainInt(value)
	if wrong == "" && !slices.Contains([]int{1, 8, 16, 32, 64, 128, 256}, n) {
		wrong = "must be one of 1, 8, 16, 32, 64, 128, 256"
	}
	if wrong != "" {
		r.fault(a, "give one of 16, 32, 64, 128", wrong)
		return 0
	}
	return n
}

func (r *reader) port(name string) int {
	a, value, ok := r.value(name)
	if !ok {
		return 0
	}
	n, wrong := plainInt(value)
	if wrong == "" && (n < 1 || n > 65535) {
		wrong = "must be from 1 to 65535"
	}
	if wrong != "" {
		r.fault(a, "give a port such as 8000", wrong)
		return 0
	}
	return n
}

func (r *reader) share(name string) float64 {
	a, value, ok := r.value(name)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f > 0 && f <= 1) {
		r.fault(a, "give a share such as 0.9", "must be a number above 0 and at most 1")
		return 0
	}
	return f
}

func (r *reader) seconds(name string) *time.Duration {
	a, value, ok := r.value(name)
	if !ok {
		return nil
	}
	n, wrong := plainInt(value)
	if wrong == "" && (n < 0 || n > 86400) {
		wrong = "must be seconds, from 0 to 86400"
	}
	if wrong != "" {
		r.fault(a, "give seconds such as 30", wrong)
		return nil
	}
	return new(time.Duration(n) * time.Second)
}

func (r *reader) choice(name string, allowed ...string) {
	if a, value, ok := r.value(name); ok && !slices.Contains(allowed, value) {
		r.fault(a, "give "+allowed[0], "must be one of "+strings.Join(allowed, ", "))
	}
}

// plainInt is Python's int().
func plainInt(text string) (int, string) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, "not a whole number"
	}
	return n, ""
}

// humanInt reads vLLM's counts of tokens: 1k is 1000, 1K is 1024, 25.6k is 25,600.
//
// Worked example (TestHumanInt): 25.6K is refused, as vLLM does: 1024s come whole.
func humanInt(text string) (int, string) {
	text = strings.TrimSpace(text)
	decimal := map[byte]float64{'k': 1e3, 'm': 1e6, 'g': 1e9, 't': 1e12}
	binary := map[byte]float64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
	if text == "" || decimal[text[len(text)-1]]+binary[text[len(text)-1]] == 0 {
		return plainInt(text)
	}
	unit := text[len(text)-1]
	f, err := strconv.ParseFloat(text[:len(text)-1], 64)
	switch {
	case err != nil || !(f >= 0):
		return 0, "not a number"
	case binary[unit] > 0 && f != float64(int64(f)):
		return 0, fmt.Sprintf("no fraction goes with %c", unit)
	}
	f *= decimal[unit] + binary[unit]
	if f > 1<<40 {
		return 0, "too large"
	}
	return int(f), ""
}
