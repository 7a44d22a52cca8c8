package load

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// ReadTrace reads CSV with a header that names arrival_s, input_tokens and output_tokens; other
// columns are left alone. Times count from the first row, if that comes later than 0.
func ReadTrace(r io.Reader) ([]Arrival, error) {
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	var columns [3]int
	for i, name := range []string{"arrival_s", "input_tokens", "output_tokens"} {
		if columns[i] = slices.Index(header, name); columns[i] < 0 {
			return nil, fmt.Errorf("the header has no column %s", name)
		}
	}
	var trace []Arrival
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		a, err := readArrival(row, columns)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if n := len(trace); n > 0 && a.At < trace[n-1].At {
			return nil, fmt.Errorf("line %d: arrival_s goes back in time", line)
		}
		trace = append(trace, a)
	}
	if len(trace) == 0 {
		return nil, errors.New("no row below the header")
	}
	first := trace[0].At
	for i := range trace {
		trace[i].At -= first
	}
	return trace, nil
}

func readArrival(row []string, columns [3]int) (Arrival, error) {
	seconds, err := strconv.ParseFloat(row[columns[0]], 64)
	if err != nil || !(seconds >= 0 && seconds <= maxSeconds) { // NaN is neither
		return Arrival{}, fmt.Errorf("arrival_s %q is not a time in seconds", row[columns[0]])
	}
	input, err := strconv.Atoi(row[columns[1]])
	if err != nil {
		return Arrival{}, fmt.Errorf("input_tokens: %w", err)
	}
	output, err := strconv.Atoi(row[columns[2]])
	if err != nil {
		return Arrival{}, fmt.Errorf("output_tokens: %w", err)
	}
	return Arrival{time.Duration(seconds * float64(time.Second)), input, output}, checkSize(input, output)
}
