package workload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Read reads a workload and knows by its start what it is: CSV with the header of the
// common table, of Azure's traces or of BurstGPT; a trace of Mooncake or of Qwen-Bailian
// (one JSON object per line); what inference-perf, vllm bench serve and aiperf write of
// single requests; an inference-perf configuration. Any other file that it knows it
// refuses by its name, as Foreign.
func Read(r io.Reader, name string) (Workload, error) {
	in, start, err := peek(r)
	if err != nil {
		return Workload{}, err
	}
	if isConfig(start) {
		return readPerfConfig(in, name)
	}
	trace, err := readTrace(in, start)
	if err != nil {
		return Workload{}, err
	}
	return trace.Workload(name)
}

// peek looks at the start without taking it out.
func peek(r io.Reader) (*bufio.Reader, []byte, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	start, err := in.Peek(in.Size())
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return in, start, err
}

// ReadTrace reads any of the traces that Read knows.
func ReadTrace(r io.Reader) (Trace, error) {
	in, start, err := peek(r)
	if err != nil {
		return Trace{}, err
	}
	return readTrace(in, start)
}

// isConfig holds for a JSON object with a load.
func isConfig(start []byte) bool {
	text := bytes.TrimSpace(start)
	if !bytes.HasPrefix(text, []byte("{")) {
		return false
	}
	keys, err := firstKeys(text)
	return err == nil && slices.Contains(keys, "load")
}

// ReadRates reads a rate over time: CSV with rate_rps and either t_s, points between
// which the rate is the mean of both, or window_start_s, windows that last until the
// next. Of a file with a column service or model only the rows of series are read.
func ReadRates(r io.Reader, series string) ([]Step, error) {
	t, err := newTable(r)
	if err != nil {
		return nil, err
	}
	windows := t.has("window_start_s") >= 0
	timeColumn := "t_s"
	if windows {
		timeColumn = "window_start_s"
	}
	c, err := t.columns(timeColumn, "rate_rps")
	if err != nil {
		return nil, err
	}
	pick, err := t.picker(series)
	if err != nil {
		return nil, err
	}
	var points []ratePoint
	for {
		more, err := t.nextPicked(pick)
		if err != nil {
			return nil, err
		}
		if !more {
			return rateSteps(points, windows)
		}
		p, err := t.ratePoint(c, points)
		if err != nil {
			return nil, t.wrong(err)
		}
		points = append(points, p)
	}
}

type ratePoint struct {
	at        time.Duration
	perSecond float64
}

func (t *table) ratePoint(columns []int, before []ratePoint) (ratePoint, error) {
	at, err := t.number(columns[0])
	if err != nil {
		return ratePoint{}, err
	}
	rate, err := t.number(columns[1])
	switch {
	case err != nil:
		return ratePoint{}, err
	case at < 0 || at > maxSpan.Seconds():
		return ratePoint{}, fmt.Errorf("%s is %v, must be from 0 to %.0f", t.header[columns[0]], at, maxSpan.Seconds())
	case rate < 0 || rate > maxRate:
		return ratePoint{}, fmt.Errorf("rate_rps is %v, must be from 0 to %d", rate, maxRate)
	}
	p := ratePoint{seconds(at), rate}
	if n := len(before); n > 0 && p.at <= before[n-1].at {
		return ratePoint{}, fmt.Errorf("%s does not grow: %v after %v: sort the rows by time", t.header[columns[0]], p.at, before[n-1].at)
	}
	if len(before) == maxRows {
		return ratePoint{}, fmt.Errorf("more than %d rates", maxRows)
	}
	return p, nil
}

// rateSteps needs two points: the distance is what the last window lasts as well.
func rateSteps(points []ratePoint, windows bool) ([]Step, error) {
	n := len(points)
	if n < 2 {
		return nil, fmt.Errorf("%d rates: at least two are needed", n)
	}
	var steps []Step
	for i, p := range points[:n-1] {
		s := Step{p.perSecond, points[i+1].at - p.at}
		if !windows {
			s.PerSecond = (p.perSecond + points[i+1].perSecond) / 2
		}
		steps = append(steps, s)
	}
	if windows {
		steps = append(steps, Step{points[n-1].perSecond, points[n-1].at - points[n-2].at})
	}
	return steps, nil
}

// picker says which rows belong to series.
func (t *table) picker(series string) (func() bool, error) {
	column := max(t.has("service"), t.has("model"))
	switch {
	case column < 0 && series != "":
		return nil, fmt.Errorf("series %s: the file has no column service or model", series)
	case column < 0:
		return func() bool { return true }, nil
	case series == "":
		return nil, fmt.Errorf("the file has several series: choose one by its %s", t.header[column])
	}
	return func() bool { return t.row[column] == series }, nil
}

// nextPicked moves to the next row that is picked.
func (t *table) nextPicked(pick func() bool) (bool, error) {
	for {
		more, err := t.next()
		if err != nil || !more || pick() {
			return more, err
		}
	}
}

// ReadLengths reads lengths to draw from: CSV with field (input or output), percentile
// and tokens, or with input_tokens and output_tokens of each request, or any trace. Of
// quantiles with a column service or model only the rows of series are read.
func ReadLengths(r io.Reader, series string) (Lengths, error) {
	in, start, err := peek(r)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	header := strings.TrimSpace(strings.ToLower(string(line)))
	switch {
	case strings.Contains(header, "percentile"):
		return readQuantiles(in, series)
	case strings.HasPrefix(header, "input_tokens,output_tokens"):
		return readPairs(in)
	case isBench(start):
		return benchLengths(in)
	}
	trace, err := readTrace(in, start)
	if err != nil {
		return nil, err
	}
	return Empirical(trace.Pairs())
}

func readQuantiles(r io.Reader, series string) (Lengths, error) {
	t, err := newTable(r)
	if err != nil {
		return nil, err
	}
	c, err := t.columns("field", "percentile", "tokens")
	if err != nil {
		return nil, err
	}
	pick, err := t.picker(series)
	if err != nil {
		return nil, err
	}
	points := map[string][]Quantile{}
	for {
		more, err := t.nextPicked(pick)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		field, q, err := t.quantile(c)
		if err == nil {
			points[field] = append(points[field], q)
			_, err = Quantiles(points[field][max(0, len(points[field])-2):])
		}
		if err != nil {
			return nil, t.wrong(err)
		}
	}
	input, err := Quantiles(points["input"])
	if err != nil {
		return nil, fmt.Errorf("input of series %q: %w", series, err)
	}
	output, err := Quantiles(points["output"])
	if err != nil {
		return nil, fmt.Errorf("output of series %q: %w", series, err)
	}
	return Independent(input, output), nil
}

func (t *table) quantile(columns []int) (field string, q Quantile, err error) {
	field = t.row[columns[0]]
	if field != "input" && field != "output" {
		return "", q, fmt.Errorf("field is %q, must be input or output", field)
	}
	if q.Percent, err = t.number(columns[1]); err != nil {
		return "", q, err
	}
	tokens, err := t.whole(columns[2])
	q.Tokens = int(tokens)
	return field, q, err
}

func readPairs(r io.Reader) (Lengths, error) {
	t, err := newTable(r)
	if err != nil {
		return nil, err
	}
	rec := &recorder{}
	for {
		more, err := t.next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		input, output, err := t.lengths(0, 1)
		if err == nil {
			err = rec.add(0, input, output, nil)
		}
		if err != nil {
			return nil, t.wrong(err)
		}
	}
	return Empirical(Trace{rows: rec.rows}.Pairs())
}
