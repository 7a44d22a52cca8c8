package promise

import (
	"math"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
)

// example is a replica of the worked examples: it does 1.43 requests per second, has 57
// then and 26 at 70 %, has room for 73, and misses everything beyond its capacity.
func example() *Model {
	m := &Model{Capacity: 1.43, Room: 73, Alone: 15 * time.Second}
	for i := range m.InFlight {
		u := float64(i) / parts
		m.InFlight[i] = 57 * u * (1 - 0.65*u*(1-u)) * (0.5 + 0.5*u)
	}
	m.InFlight[14], m.InFlight[parts] = 26, 57
	for k := range m.Table {
		for i := range m.Table[k] {
			m.Table[k][i] = -9
			if i > 20 { // beyond the capacity
				m.Table[k][i] = 9
			}
		}
	}
	return m
}

func exampleOutlook() *outlook {
	var unseen capacity.Curve
	return &outlook{model: example(), shares: unseen.Calibrated(), dispersion: 1, span: 115}
}

func near(got, want, by float64) bool { return math.Abs(got-want) <= by }

func TestMissed(t *testing.T) {
	o := exampleOutlook()
	demand := func(perSecond float64) float64 { return perSecond / o.model.Capacity }
	f := o.with(4)
	for _, tc := range []struct{ was, comes, full, missed float64 }{
		{4, 6, 187, 0}, {4, 8, 50, 0.56}, {4, 3, math.Inf(1), 0}, {4, 4, math.Inf(1), 0},
	} {
		was, comes := demand(tc.was), demand(tc.comes)
		if got := f.full(was/4, comes/4); tc.comes > tc.was && !near(got, tc.full, 1) {
			t.Errorf("full(%v/s, %v/s) = %.0f s, want %v s", tc.was, tc.comes, got, tc.full)
		}
		if got := f.missed(was, comes); !near(got, tc.missed, 0.01) {
			t.Errorf("missed(%v/s, %v/s) = %.3f, want %v", tc.was, tc.comes, got, tc.missed)
		}
	}
}

// An ordered queue loses what is beyond the best part of a demand, and nothing more.
func TestOrdered(t *testing.T) {
	o := exampleOutlook()
	arrival := o.with(4)
	ordered := *o
	ordered.ordered = true
	promise := ordered.with(4)
	last := 0.0
	for demand := 0.2; demand < 12; demand += 0.2 {
		got, most := promise.steadily(demand), arrival.steadily(demand)
		if got < last-1e-9 || got > most+1e-9 || demand <= 4 && !near(got, most, 1e-3) {
			t.Errorf("of %.1f replicas' demand %.3f are missed, %.3f by arrival, and %.3f of less", demand, got, most, last)
		}
		last = got
	}
	if got := promise.steadily(5.6); !near(got, 0.29, 0.01) {
		t.Errorf("steadily(5.6) = %.3f, want 0.29", got)
	}
	if got := promise.missed(4/1.43, 8/1.43); !near(got, 0.16, 0.01) {
		t.Errorf("missed(4/s, 8/s) = %.3f, want 0.16: 29 %% of what comes once they are full", got)
	}
}

// Replicas that are fuller than they could be for long lose nothing less.
func TestFullIsAtOnceWithoutRoom(t *testing.T) {
	o := exampleOutlook()
	o.model.Room = 40
	if f := o.with(1); f.full(0.95, 1.5) != 0 {
		t.Errorf("full() = %v, want 0", f.full(0.95, 1.5))
	}
}

// More demand misses more, and more replicas less.
func TestExpectedIsMonotone(t *testing.T) {
	o := exampleOutlook()
	rises := []forecast.Outcome{{Rise: -0.2, Share: 0.2}, {Rise: 0, Share: 0.6}, {Rise: 0.8, Share: 0.2}}
	for n := 1; n < 12; n++ {
		before := -1.0
		for base := 0.5; base < 8; base += 0.1 {
			var r risk
			r.set(base, rises)
			_, lost := o.expected(&r, n)
			_, fewer := o.expected(&r, n+1)
			if lost < before-1e-9 || fewer > lost+1e-9 {
				t.Fatalf("expected(%v, %d) loses %v, before %v, with one more %v", base, n, lost, before, fewer)
			}
			before = lost
		}
	}
}
