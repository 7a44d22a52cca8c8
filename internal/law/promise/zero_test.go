package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
)

// sleepy is a decision that was idle for a time, of a service with known gaps.
func sleepy(idle time.Duration) *decision {
	s := State{Read: 48 * time.Hour, Model: Model{Capacity: 1}, Gaps: Gaps{Quiet: true, All: 2000}}
	s.Gaps.Since = s.Read - idle
	s.Gaps.Requests[gapBin(5*time.Minute)] = 90
	s.Gaps.Requests[gapBin(20*time.Minute)] = 36
	s.Gaps.Requests[gapBin(time.Hour)] = 4
	return &decision{
		Law: Law{Bounds: law.Bounds{Max: 8}, Promise: 0.95}, State: &s,
		in: law.Input{Demand: demand.Demand{Gateways: 1}},
	}
}

func TestLeave(t *testing.T) {
	for _, tc := range []struct {
		idle time.Duration
		wait float64
		gone bool
	}{{5 * time.Minute, 0.0655, false}, {20 * time.Minute, 0.0205, true}, {2 * time.Minute, 0.0655, false}} {
		d := sleepy(tc.idle)
		gone, terms := d.zero()
		if gone != tc.gone || !near(d.Gaps.wait(tc.idle), tc.wait, 1e-9) || len(terms) == 0 {
			t.Errorf("after %v idle: zero() = %v, and %.4f would wait, want %v, %v", tc.idle, gone, d.Gaps.wait(tc.idle), tc.gone, tc.wait)
		}
	}
}

// INV-5: it stays where a minimum asks for it, where no gateway sees what comes, and where
// more has missed than may.
func TestStays(t *testing.T) {
	for name, change := range map[string]func(*decision){
		"minimum":    func(d *decision) { d.Min = 1 },
		"no gateway": func(d *decision) { d.in.Demand.Gateways = 0 },
		"busy":       func(d *decision) { d.Gaps.Quiet = false },
		"owed":       func(d *decision) { d.Budget.Requests, d.Budget.Missed = 1000, 60 },
	} {
		d := sleepy(30 * time.Minute)
		if gone, _ := d.zero(); !gone {
			t.Fatal("zero() = false, want true")
		}
		change(d)
		if gone, _ := d.zero(); gone {
			t.Errorf("%s: zero() = true, want false", name)
		}
	}
}
