package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
)

// A demand of 2.8 replicas rose to 4.3 at this time yesterday.
func TestRisks(t *testing.T) {
	now, jump := 36*time.Hour, 12*time.Hour+time.Minute
	s := State{Read: now, Every: 5 * time.Second, Model: Model{Capacity: 1}}
	for at := time.Duration(0); at <= now; at += 10 * time.Second {
		level := 2.8
		if at >= jump && at < jump+10*time.Minute {
			level = 4.3
		}
		s.Demand.History = s.Demand.History.Add(at, forecast.Power(level))
	}
	s.Demand.Levels = []Level{{At: now, Power: forecast.Power(2.8)}}
	s.Demand.Seasons[0] = forecast.Season{Period: day, Came: 1, Both: 0.9, Expected: 1}
	s.Demand.InUse = 1
	d := decision{State: &s}
	d.risks()
	if !near(d.up.base, 2.90, 0.01) || !near(d.up.demand, 4.13, 0.01) {
		t.Errorf("risks() = a base of %.3f, a demand of %.3f, want 2.90 and 4.13", d.up.base, d.up.demand)
	}
	s.Demand.InUse = 0
	if d.risks(); !near(d.up.demand, 2.8, 1e-9) {
		t.Errorf("risks() without a season = a demand of %v, want 2.8", d.up.demand)
	}
}

// Where the rate is counted once a minute, forty seconds without a count are not a pause
// that demand then rises from.
func TestLevelBetweenCounts(t *testing.T) {
	d := Demand{Levels: []Level{{At: 0, Power: 3}, {At: time.Minute, Power: 5}, {At: 2 * time.Minute, Power: 4}}}
	for _, c := range []struct {
		from, to time.Duration
		want     float64
		known    bool
	}{
		{70 * time.Second, 110 * time.Second, 5, true}, // between two counts
		{50 * time.Second, 70 * time.Second, 5, true},
		{30 * time.Second, 2 * time.Minute, 5, true},
		{110 * time.Second, 2 * time.Minute, 4, true},
		{-time.Minute, -30 * time.Second, 0, false},
	} {
		if got, known := d.level(c.from, c.to); got != c.want || known != c.known {
			t.Errorf("level(%v, %v) = %v, %v, want %v, %v", c.from, c.to, got, known, c.want, c.known)
		}
	}
}
