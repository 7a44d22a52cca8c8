package reading

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Sample is a value at a time.
type Sample struct {
	At    time.Duration
	Value float64
}

// MarshalJSON writes the two as a list.
func (s Sample) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{s.At, Number(s.Value)})
}

// UnmarshalJSON reads it.
func (s *Sample) UnmarshalJSON(text []byte) error {
	var value Number
	if err := json.Unmarshal(text, &[]any{&s.At, &value}); err != nil {
		return fmt.Errorf("reading a sample: %w", err)
	}
	s.Value = float64(value)
	return nil
}

// A Window holds the samples of the last span of time, oldest first. The zero
// value is empty.
type Window []Sample

// Add is the window with the sample (at, value) and without those that are span
// or more older than it. A sample older than the newest is not taken: time that
// runs backwards would put the window out of order.
func (w Window) Add(at time.Duration, value float64, span time.Duration) Window {
	if n := len(w); n > 0 && at < w[n-1].At {
		return w
	}
	keep := w.Since(at - span)
	samples := make([]Sample, 0, len(keep)+1)
	return append(append(samples, keep...), Sample{at, value})
}

// Since are the samples younger than the time given. The caller only reads them.
func (w Window) Since(after time.Duration) []Sample {
	first := 0
	for first < len(w) && w[first].At <= after {
		first++
	}
	return w[first:]
}

// Mean is the mean of the samples younger than the time given, and false if there
// are none.
func (w Window) Mean(after time.Duration) (float64, bool) {
	samples := w.Since(after)
	sum := 0.0
	for _, s := range samples {
		sum += s.Value
	}
	if len(samples) == 0 {
		return 0, false
	}
	return sum / float64(len(samples)), true
}

// Max is the largest of the samples younger than the time given, and false if
// there are none.
func (w Window) Max(after time.Duration) (float64, bool) {
	return pick(w.Since(after), func(a, b float64) bool { return a > b })
}

// Min is the smallest of the samples younger than the time given, and false if
// there are none.
func (w Window) Min(after time.Duration) (float64, bool) {
	return pick(w.Since(after), func(a, b float64) bool { return a < b })
}

func pick(samples []Sample, better func(a, b float64) bool) (float64, bool) {
	if len(samples) == 0 {
		return 0, false
	}
	best := samples[0].Value
	for _, s := range samples[1:] {
		if better(s.Value, best) {
			best = s.Value
		}
	}
	return best, true
}
