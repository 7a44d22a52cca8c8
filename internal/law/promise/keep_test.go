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
