package reading_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// INV-1.
func TestUsable(t *testing.T) {
	for _, c := range []struct {
		name string
		r    reading.Reading
		want bool
	}{
		{"fresh", reading.New(2, time.Second), true},
		{"stale", reading.Reading{Value: 2, Quality: reading.Stale}, true},
		{"never read", reading.Reading{}, false},
		{"NaN", reading.New(math.NaN(), 0), false},
		{"infinite", reading.New(math.Inf(-1), 0), false},
		{"NaN called fresh", reading.Reading{Value: math.NaN(), Quality: reading.Fresh}, false},
		{"two answers", reading.Reading{Value: 2, Quality: reading.Contradictory}, false},
		{"an error", reading.Failed(time.Second), false},
		{"out of range", reading.Reading{Value: 2, Quality: -1}, false},
	} {
		if got := c.r.Usable(); got != c.want {
			t.Errorf("%s: Usable() = %v, want %v", c.name, got, c.want)
		}
		if got := c.r.Or(7); c.want && got != c.r.Value || !c.want && got != 7 {
			t.Errorf("%s: Or(7) = %v", c.name, got)
		}
	}
	if got := reading.Quality(9).String() + " " + reading.Absent.String(); got != "unknown absent" {
		t.Errorf("String() = %q", got)
	}
}

// INV-2 and INV-3.
func TestWindow(t *testing.T) {
	const span = 3 * time.Second
	var w reading.Window
	if _, ok := w.Mean(0); ok {
		t.Error("an empty window has a mean")
	}
	if _, ok := w.Max(0); ok {
		t.Error("an empty window has a maximum")
	}
	for i, v := range []float64{4, 1, 2, 8, 5} {
		w = w.Add(time.Duration(i)*time.Second, v, span)
	}
	before := slices.Clone(w.Since(-1))
	older, newer := w.Add(time.Second, 9, span), w.Add(5*time.Second, 9, span)
	if !slices.Equal(before, w.Since(-1)) || !slices.Equal(before, older.Since(-1)) {
		t.Errorf("Add changed the window: %v, %v, %v", before, w, older)
	}
	if got, want := len(newer), 3; got != want {
		t.Errorf("len = %v, want %v: %v", got, want, newer)
	}
	mean, _ := w.Mean(2 * time.Second)
	most, _ := w.Max(-1)
	least, _ := w.Min(-1)
	if got, want := [...]float64{mean, most, least}, [...]float64{6.5, 8, 2}; got != want {
		t.Errorf("mean of the last two, maximum, minimum = %v, want %v", got, want)
	}
}
