package promise

import (
	"testing"
	"time"
)

// A counter that has fallen began anew with its engine: what it counts since then came.
func TestCountersBeginAgain(t *testing.T) {
	was := Pod{At: 10 * time.Second, Ended: 100, First: 101, Running: 2, Gaps: 4000, Seconds: 100}
	is := Pod{At: 25 * time.Second, Ended: 5, First: 6, Running: 1, Gaps: 200, Seconds: 5}
	var out seen
	out.add(&is, was, false)
	if out.Arrivals != 6 || out.First != 6 || is.Use.Gaps != 200 || is.PerSecond < 0 {
		t.Errorf("add() = %+v, %+v, want 6 arrivals and no number below 0", out, is)
	}
}

// Of a pod that was there before, the first reading only says where counting begins: a
// Prometheus that has lost what it knew is no rush of requests.
func TestFirstReadingCountsNothing(t *testing.T) {
	is := Pod{At: 25 * time.Second, Ended: 100, First: 101, Running: 2}
	var out seen
	if out.add(&is, Pod{}, false); out.Arrivals != 0 || out.newest != is.At {
		t.Errorf("add() = %+v, want nothing but its time", out)
	}
	if out.add(&is, Pod{}, true); out.Arrivals != 102 {
		t.Errorf("add() of a pod that has just come = %v arrivals, want 102", out.Arrivals)
	}
}
