package why

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// number is written as JSON has it.
type number float64

// MarshalJSON writes it without the digits that only say how floats are made.
func (n number) MarshalJSON() ([]byte, error) {
	return json.Marshal(json.Number(strconv.FormatFloat(float64(n), 'g', 6, 64)))
}

// finite is nil of what is no number.
func finite(x float64) *number {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return new(number(x))
}

func replicas(n int) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// amount has what is read of a number: three digits.
func amount(x float64) string {
	switch {
	case math.IsNaN(x) || math.Abs(x) >= 1e15:
		return "unknown"
	case math.Abs(x) >= 100:
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

func percent(share float64) string {
	switch p := 100 * share; {
	case math.IsNaN(p), math.IsInf(p, 0):
		return "an unknown share"
	case p > 0 && p < 0.05:
		return "less than 0.1 %"
	default:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
}

func seconds(s float64) string {
	if math.IsNaN(s) || s > 1e9 {
		return "no known time"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}
