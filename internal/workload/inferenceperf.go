package workload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// readRequestLog reads inference-perf's per_request_lifecycle_metrics.json, an array. Token
// counts are those of the server if it told them.
func readRequestLog(r io.Reader) (Trace, error) {
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil { // [
		return Trace{}, err
	}
	var all []logged
	for n := 1; d.More(); n++ {
		q, err := readLogEntry(d)
		if err != nil {
			return Trace{}, fmt.Errorf("request %d: %w", n, err)
		}
		all = append(all, q)
	}
	if _, err := d.Token(); err != nil { // ]
		return Trace{}, fmt.Errorf("after request %d: %w", len(all), err)
	}
	return traceOf(all)
}

func readLogEntry(d *json.Decoder) (logged, error) {
	var q logEntry
	if err := d.Decode(&q); err != nil {
		return logged{}, fmt.Errorf("not an entry of an inference-perf request log: %w", plainJSON(err))
	}
	if q.Start == nil || q.Info == nil {
		return logged{}, errors.New("start_time and info must be there")
	}
	input, output := q.Info.tokens()
	return logged{*q.Start, input, output}, checkRow(0, input, output)
}

// logEntry has the fields of both forms of the log, before and after the metrics of
// request and response were parted.
type logEntry struct {
	Start *float64 `json:"start_time"`
	Info  *logInfo `json:"info"`
}

type logInfo struct {
	Input   int64 `json:"input_tokens"`
	Output  int64 `json:"output_tokens"`
	Request struct {
		Text struct {
			Input int64 `json:"input_tokens"`
		} `json:"text"`
	} `json:"request_metrics"`
	Response struct {
		Output int64 `json:"output_tokens"`
		Usage  struct {
			Completion int64 `json:"completion_tokens"`
		} `json:"server_usage"`
	} `json:"response_metrics"`
}

func (i logInfo) tokens() (input, output int64) {
	return cmp.Or(i.Input, i.Request.Text.Input), cmp.Or(i.Response.Usage.Completion, i.Output, i.Response.Output)
}

// perfConfig is what is read of inference-perf's configuration; the rest concerns the
// server, the reports and the texts.
type perfConfig struct {
	Load struct {
		Type     string   `json:"type"`
		Interval *float64 `json:"interval"`
		Timeout  float64  `json:"request_timeout"`
		Sweep    any      `json:"sweep"`
		Stages   []struct {
			Rate     float64 `json:"rate"`
			Duration float64 `json:"duration"`
		} `json:"stages"`
	} `json:"load"`
	Data struct {
		Type   string      `json:"type"`
		Input  *perfSpread `json:"input_distribution"`
		Output *perfSpread `json:"output_distribution"`
		Shared *perfShared `json:"shared_prefix"`
	} `json:"data"`
}

// perfSpread has inference-perf's defaults (config/common.py: Distribution). Where a length
// is given inline its type is called distribution, and a number is a fixed one.
type perfSpread struct {
	Type      string  `json:"type"`
	Inline    string  `json:"distribution"`
	Min       int     `json:"min"`
	Max       int     `json:"max"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"std_dev"`
	Variance  any     `json:"variance"`
}

func (s *perfSpread) UnmarshalJSON(text []byte) error {
	if tokens := 0; json.Unmarshal(text, &tokens) == nil {
		*s = *fixed(tokens)
		return nil
	}
	type plain perfSpread
	d := plain(defaultSpread())
	err := json.Unmarshal(text, &d)
	d.Type = cmp.Or(d.Inline, d.Type)
	*s = perfSpread(d)
	return err
}

func defaultSpread() perfSpread {
	return perfSpread{Type: "normal", Min: 10, Max: 1024, Mean: 512, Deviation: 200}
}

type perfShared struct {
	Groups   int         `json:"num_groups"`
	Prompts  int         `json:"num_unique_system_prompts"` // the same in newer versions
	Prefix   int         `json:"system_prompt_len"`
	Question *perfSpread `json:"question_len"`
	Output   *perfSpread `json:"output_len"`
	Input    *perfSpread `json:"question_distribution"`
	Outputs  *perfSpread `json:"output_distribution"`
}

// readPerfConfig reads an inference-perf configuration as JSON; the caller has turned
// YAML into it.
func readPerfConfig(r io.Reader, name string) (Workload, error) {
	var c perfConfig
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return Workload{}, fmt.Errorf("an inference-perf configuration: %w", plainJSON(err))
	}
	a, err := c.arrivals()
	if err != nil {
		return Workload{}, fmt.Errorf("load: %w", err)
	}
	lengths, prefixes, err := c.lengths()
	if err != nil {
		return Workload{}, fmt.Errorf("data: %w", err)
	}
	w, err := Generate(name, a, lengths, prefixes)
	w.Timeout = seconds(c.Load.Timeout)
	return w, err
}

func (c perfConfig) arrivals() (Arrivals, error) {
	interval := 1.0
	if c.Load.Interval != nil {
		interval = *c.Load.Interval
	}
	for _, f := range []struct {
		name    string
		seconds float64
	}{{"request_timeout", c.Load.Timeout}, {"interval", interval}} {
		if !(f.seconds >= 0 && f.seconds <= maxSpan.Seconds()) {
			return Arrivals{}, fmt.Errorf("%s is %v, must be from 0 to %.0f", f.name, f.seconds, maxSpan.Seconds())
		}
	}
	var stages []Step
	for i, s := range c.Load.Stages {
		if !(s.Duration > 0 && s.Duration <= maxSpan.Seconds()) {
			return Arrivals{}, fmt.Errorf("stage %d: duration is %v, must be more than 0 s", i, s.Duration)
		}
		stages = append(stages, Step{s.Rate, seconds(s.Duration)})
	}
	switch {
	case c.Load.Sweep != nil:
		return Arrivals{}, errors.New("sweep: its rates depend on the server; write the stages it found")
	case len(stages) == 0:
		return Arrivals{}, errors.New("no stages")
	}
	switch c.Load.Type {
	// Poisson arrivals are as many in a stage as constant ones; there the stage ends a
	// little sooner or later, here it does not.
	case "constant", "poisson", "":
		return staged(stages, true, seconds(interval)+time.Second)
	}
	return Arrivals{}, fmt.Errorf("type is %q: only constant and poisson arrivals do not depend on the server's answers", c.Load.Type)
}

func (c perfConfig) lengths() (Lengths, Prefixes, error) {
	input, output, prefixes := c.Data.Input, c.Data.Output, Prefixes{}
	switch c.Data.Type {
	case "random", "synthetic", "mock":
	case "shared_prefix":
		s := c.Data.Shared
		if s == nil {
			return nil, prefixes, errors.New("shared_prefix is missing")
		}
		prefixes = Prefixes{Tokens: s.Prefix, Count: cmp.Or(s.Groups, s.Prompts)}
		input, output = cmp.Or(s.Input, s.Question, fixed(0)), cmp.Or(s.Outputs, s.Output, fixed(0))
	default:
		return nil, prefixes, fmt.Errorf("type is %q: lengths are known for random, synthetic, mock and shared_prefix", c.Data.Type)
	}
	in, err := input.length()
	if err != nil {
		return nil, prefixes, fmt.Errorf("input_distribution: %w", err)
	}
	out, err := output.length()
	if err != nil {
		return nil, prefixes, fmt.Errorf("output_distribution: %w", err)
	}
	return Independent(in, out), prefixes, nil
}

func fixed(tokens int) *perfSpread { return &perfSpread{Type: "fixed", Mean: float64(tokens)} }

func (s *perfSpread) length() (Length, error) {
	if s == nil {
		d := defaultSpread()
		s = &d
	}
	if s.Variance != nil {
		return nil, errors.New("variance: write its root as std_dev")
	}
	switch s.Type {
	case "normal":
		return Normal(Spread{s.Mean, s.Deviation, s.Min, s.Max})
	case "uniform":
		return Uniform(s.Min, s.Max)
	case "fixed":
		if !(s.Mean >= 1 && s.Mean <= maxTokens) {
			return nil, fmt.Errorf("mean is %v, must be from 1 to %d", s.Mean, maxTokens)
		}
		return Constant(int(s.Mean))
	}
	return nil, fmt.Errorf("type is %q, must be normal, uniform or fixed", s.Type)
}
