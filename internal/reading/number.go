package reading

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A Number is a float64 that JSON can carry whatever it is: what is no finite number
// travels as the text NaN, +Inf or -Inf.
type Number float64

// MarshalJSON writes a number, or text.
func (n Number) MarshalJSON() ([]byte, error) {
	if x := float64(n); math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(x, 'g', -1, 64)), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads either.
func (n *Number) UnmarshalJSON(text []byte) error {
	var x float64
	switch string(text) {
	case `"NaN"`:
		x = math.NaN()
	case `"+Inf"`:
		x = math.Inf(1)
	case `"-Inf"`:
		x = math.Inf(-1)
	default:
		if err := json.Unmarshal(text, &x); err != nil {
			return fmt.Errorf("reading a number: %w", err)
		}
	}
	*n = Number(x)
	return nil
}

// written is a Reading as JSON has it.
type written struct {
	Value   Number
	At      time.Duration
	Quality Quality
}

// MarshalJSON writes the reading, also one that is no number.
func (r Reading) MarshalJSON() ([]byte, error) {
	return json.Marshal(written{Number(r.Value), r.At, r.Quality})
}

// UnmarshalJSON reads it.
func (r *Reading) UnmarshalJSON(text []byte) error {
	var w written
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("reading a reading: %w", err)
	}
	*r = Reading{float64(w.Value), w.At, w.Quality}
	return nil
}

// MarshalText writes the quality's name.
func (q Quality) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads it.
func (q *Quality) UnmarshalText(text []byte) error {
	for one := range numQualities {
		if one.String() == string(text) {
			*q = one
			return nil
		}
	}
	return fmt.Errorf("quality %q: there is none of that name", text)
}
