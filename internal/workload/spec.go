package workload

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A spec is a workload in words: kind:key=value,key=value.
type spec struct {
	kind string
	keys map[string]string
	read map[string]bool // keys that were looked at
	// files opens what rates, lengths and file name.
	files Files
	errs  []error
}

// parseSpec splits what stands after the colon.
func parseSpec(kind, rest string, files Files) (*spec, error) {
	s := &spec{kind: kind, keys: map[string]string{}, read: map[string]bool{}, files: files}
	if rest == "" {
		return s, nil
	}
	for word := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || key == "" || value == "":
			return nil, fmt.Errorf("%q is not key=value", word)
		case s.keys[key] != "":
			return nil, fmt.Errorf("%s is given twice", key)
		}
		s.keys[key] = value
	}
	return s, nil
}

// override lets the keys of other win.
func (s *spec) override(other *spec) { maps.Copy(s.keys, other.keys) }

func (s *spec) text(key string) string {
	s.read[key] = true
	return s.keys[key]
}

func (s *spec) has(key string) bool { return s.text(key) != "" }

func (s *spec) wrong(key string, want string) {
	s.errs = append(s.errs, fmt.Errorf("%s=%s: %s", key, s.keys[key], want))
}

// number reads a finite number that is not negative.
func (s *spec) number(key string, otherwise float64) float64 {
	text := s.text(key)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= math.MaxFloat64) {
		s.wrong(key, "must be a number, not negative")
	}
	return v
}

func (s *spec) count(key string, otherwise int) int {
	text := s.text(key)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil || v < 0 {
		s.wrong(key, "must be a whole number, not negative")
	}
	return int(v)
}

func (s *spec) duration(key string, otherwise time.Duration) time.Duration {
	text := s.text(key)
	if text == "" {
		return otherwise
	}
	d, err := ParseDuration(text)
	if err != nil {
		s.wrong(key, err.Error())
	}
	return d
}

// ParseDuration reads 90s, 1h30m or 2d.
func ParseDuration(text string) (time.Duration, error) {
	want := errors.New("must be a time such as 90s, 1h30m or 7d, not negative and at most 100000000s")
	if days, ok := strings.CutSuffix(text, "d"); ok {
		v, err := strconv.ParseFloat(days, 64)
		if err != nil || !(v >= 0 && v <= maxSpan.Hours()/24) {
			return 0, want
		}
		return seconds(v * 86400), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxSpan {
		return 0, want
	}
	return d, nil
}

func (s *spec) flag(key string, otherwise bool) bool {
	switch s.text(key) {
	case "":
		return otherwise
	case "true":
		return true
	case "false":
		return false
	}
	s.wrong(key, "must be true or false")
	return false
}

// stages reads 330s:2/6m:4: for how long, requests per second.
func (s *spec) stages(key string) []Step {
	var steps []Step
	for word := range strings.SplitSeq(s.text(key), "/") {
		length, rate, _ := strings.Cut(word, ":")
		d, err := ParseDuration(length)
		perSecond, err2 := strconv.ParseFloat(rate, 64)
		if err != nil || err2 != nil {
			s.wrong(key, "must be stages such as 330s:2/6m:4, for how long and requests per second")
			return nil
		}
		steps = append(steps, Step{perSecond, d})
	}
	return steps
}

// length reads 1000, 500..1500, normal:MEAN:DEVIATION:LOW:HIGH or lognormal likewise.
func (s *spec) length(key string, otherwise int) Length {
	text := s.text(key)
	if text == "" {
		text = strconv.Itoa(otherwise)
	}
	l, err := parseLength(text)
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s=%s: %w", key, text, err))
	}
	return l
}

func parseLength(text string) (Length, error) {
	want := errors.New("must be a number of tokens, LOW..HIGH, normal:MEAN:DEVIATION:LOW:HIGH or lognormal:MEAN:DEVIATION:LOW:HIGH")
	kind, rest, ok := strings.Cut(text, ":")
	if !ok {
		low, high, isRange := strings.Cut(text, "..")
		if !isRange {
			high = low
		}
		a, errA := strconv.ParseInt(low, 10, 32)
		b, errB := strconv.ParseInt(high, 10, 32)
		if errA != nil || errB != nil {
			return nil, want
		}
		return Uniform(int(a), int(b))
	}
	var v [4]float64
	words := strings.Split(rest, ":")
	if len(words) != len(v) {
		return nil, want
	}
	for i, word := range words {
		var err error
		if v[i], err = strconv.ParseFloat(word, 64); err != nil || !(v[i] >= 0 && v[i] <= maxTokens) {
			return nil, want
		}
	}
	spread := Spread{Mean: v[0], Deviation: v[1], Low: int(v[2]), High: int(v[3])}
	switch kind {
	case "normal":
		return Normal(spread)
	case "lognormal":
		return LogNormal(spread)
	}
	return nil, want
}

// open reads the file that key names.
func open[T any](s *spec, key string, read func(io.Reader) (T, error)) (T, error) {
	var nothing T
	name := s.text(key)
	f, err := s.files(name)
	if err != nil {
		return nothing, fmt.Errorf("%s: %w", key, err)
	}
	v, err := read(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nothing, fmt.Errorf("%s %s: %w", key, name, err)
	}
	return v, nil
}

// finish tells of the first thing that was wrong, or of keys that nobody looked at.
func (s *spec) finish() error {
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		if !s.read[key] {
			known := slices.Sorted(maps.Keys(s.read))
			return fmt.Errorf("%s has no key %q; it has %s", s.kind, key, strings.Join(known, ", "))
		}
	}
	if len(s.errs) > 0 {
		return s.errs[0]
	}
	return nil
}
