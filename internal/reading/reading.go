package reading

import (
	"math"
	"time"
)

// SinceEpoch is a time as readings of a cluster and steps on it count it.
func SinceEpoch(t time.Time) time.Duration { return t.Sub(time.Unix(0, 0)) }

// A Quality says how far a reading can be trusted.
type Quality int

// The zero value is Absent, so that a reading nobody took is not mistaken for 0.
const (
	Absent        Quality = iota // asked, and the answer was empty; or never asked
	Fresh                        // observed lately
	Stale                        // observed, but longer ago than its source promises
	Contradictory                // several answers where one belongs
	Invalid                      // an error in place of an answer, or no finite number
	numQualities
)

func (q Quality) String() string {
	names := [numQualities]string{"absent", "fresh", "stale", "contradictory", "invalid"}
	if q < 0 || q >= numQualities {
		return "unknown"
	}
	return names[q]
}

// A Reading is a value, when it was observed and how good it is. Times count from
// the start of the run.
type Reading struct {
	Value   float64
	At      time.Duration
	Quality Quality
}

// New is a fresh reading; it is invalid if the value is NaN or infinite. Such a
// reading keeps its value: an autoscaler may treat "the answer was NaN" otherwise
// than "there was no answer" (see Failed).
func New(value float64, at time.Duration) Reading {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Reading{value, at, Invalid}
	}
	return Reading{value, at, Fresh}
}

// Failed is the reading of a source that answered with an error.
func Failed(at time.Duration) Reading { return Reading{At: at, Quality: Invalid} }

// Usable says whether the value may be computed with.
func (r Reading) Usable() bool {
	return (r.Quality == Fresh || r.Quality == Stale) && !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0)
}

// Null says that there was an answer without a number in it: empty, NaN or infinite.
func (r Reading) Null() bool {
	return r.Quality == Absent || r.Quality == Invalid && (math.IsNaN(r.Value) || math.IsInf(r.Value, 0))
}

// Or is the value, or otherwise if it may not be computed with.
func (r Reading) Or(otherwise float64) float64 {
	if !r.Usable() {
		return otherwise
	}
	return r.Value
}
