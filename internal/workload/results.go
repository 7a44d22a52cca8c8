package workload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What load generators write of the requests that they sent. Token counts are as they
// were, and requests without an answer are left out, as nobody knows how long it would
// have been.

// logged is a request of a log whose order is that in which requests ended.
type logged struct {
	at            float64 // seconds on the load generator's clock
	input, output int64
}

// traceOf sorts a log by time.
func traceOf(all []logged) (Trace, error) {
	n := len(all)
	all = slices.DeleteFunc(all, func(q logged) bool { return q.output <= 0 })
	switch {
	case n > 0 && len(all) == 0:
		return Trace{}, fmt.Errorf("no requests: none of its %d was answered", n)
	case len(all) > maxRows:
		return Trace{}, fmt.Errorf("more than %d requests: cut the log into parts", maxRows)
	}
	slices.SortStableFunc(all, func(a, b logged) int { return cmp.Compare(a.at, b.at) })
	rec := &recorder{}
	for _, q := range all {
		if err := rec.add(q.at-all[0].at, q.input, q.output, nil); err != nil {
			return Trace{}, err
		}
	}
	return rec.trace()
}

// benchResult is what vllm bench serve writes (vllm/benchmarks/serve.py), and SGLang's
// bench_serving but for the times. The lists are there with --save-detailed; a request
// that failed has an answer of 0 tokens.
type benchResult struct {
	Starts  []float64 `json:"start_times"` // seconds on a clock of the client's
	Inputs  []int64   `json:"input_lens"`
	Outputs []int64   `json:"output_lens"`
}

func readBenchResult(r io.Reader) (b benchResult, err error) {
	if err = wholeJSON(r, &b); err != nil {
		return b, fmt.Errorf("a result of vllm bench serve: %w", err)
	}
	switch {
	case len(b.Inputs) == 0:
		return b, &Foreign{"a result of vllm bench serve: it has no single requests",
			"run the benchmark with --save-detailed, or " + rateAndLengths}
	case len(b.Inputs) != len(b.Outputs):
		return b, fmt.Errorf("a result of vllm bench serve: %d input_lens and %d output_lens, must be as many", len(b.Inputs), len(b.Outputs))
	}
	return b, nil
}

func readBench(r io.Reader) (Trace, error) {
	b, err := readBenchResult(r)
	switch {
	case err != nil:
		return Trace{}, err
	case len(b.Starts) == 0:
		return Trace{}, &Foreign{"a result of vllm bench serve or of SGLang's bench_serving: it has no start_times",
			"take a vLLM whose --save-detailed writes them, or its lengths alone: poisson:rate=5,lengths=FILE"}
	case len(b.Starts) != len(b.Inputs):
		return Trace{}, fmt.Errorf("a result of vllm bench serve: %d start_times and %d input_lens, must be as many", len(b.Starts), len(b.Inputs))
	}
	all := make([]logged, len(b.Starts))
	for i, at := range b.Starts {
		if err := checkRow(0, b.Inputs[i], b.Outputs[i]); err != nil {
			return Trace{}, fmt.Errorf("request %d: %w", i+1, err)
		}
		all[i] = logged{at, b.Inputs[i], b.Outputs[i]}
	}
	return traceOf(all)
}

// isBench knows such a result by its start.
func isBench(start []byte) bool {
	keys, err := firstKeys(start)
	return err == nil && (hasAll(keys, []string{"input_lens", "output_lens"}) || hasAll(keys, []string{"duration", "total_input_tokens"}))
}

// benchLengths needs no times.
func benchLengths(r io.Reader) (Lengths, error) {
	b, err := readBenchResult(r)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for i, output := range b.Outputs {
		if output > 0 {
			pairs = append(pairs, Pair{int(b.Inputs[i]), int(output)})
		}
	}
	return Empirical(pairs)
}

// aiperfRecord is a line of aiperf's profile_export.jsonl.
type aiperfRecord struct {
	Metadata struct {
		Start     *int64 `json:"request_start_ns"`
		Phase     string `json:"benchmark_phase"`
		Cancelled bool   `json:"was_cancelled"`
	} `json:"metadata"`
	Metrics struct {
		Input  aiperfValue `json:"input_sequence_length"`
		Output aiperfValue `json:"output_sequence_length"`
	} `json:"metrics"`
}

type aiperfValue struct {
	Value int64 `json:"value"`
}

// readAIPerf leaves out what was sent to warm up, what was cancelled and what failed.
func readAIPerf(r io.Reader) (Trace, error) {
	d := json.NewDecoder(r)
	var all []logged
	first := int64(0)
	for n := 1; ; n++ {
		var q aiperfRecord
		if err := d.Decode(&q); errors.Is(err, io.EOF) {
			return traceOf(all)
		} else if err != nil {
			return Trace{}, fmt.Errorf("record %d of aiperf: %w", n, plainJSON(err))
		}
		switch {
		case q.Metadata.Start == nil:
			return Trace{}, fmt.Errorf("record %d of aiperf: metadata.request_start_ns must be there", n)
		case q.Metadata.Phase == "warmup":
			continue
		case q.Metadata.Cancelled || q.Metrics.Output.Value == 0: // traceOf leaves it out
			all = append(all, logged{})
			continue
		}
		if first == 0 {
			first = *q.Metadata.Start
		}
		input, output := q.Metrics.Input.Value, q.Metrics.Output.Value
		if err := checkRow(0, input, output); err != nil {
			return Trace{}, fmt.Errorf("record %d of aiperf: %w", n, err)
		}
		all = append(all, logged{float64(*q.Metadata.Start-first) / 1e9, input, output})
	}
}
