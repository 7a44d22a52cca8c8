package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A holding is what a law sees of requests that are held.
type holding struct {
	first  time.Duration // step that saw a request held
	last   time.Duration // and the last one so far
	ends   []time.Duration
	broken []law.Input
}

func (h *holding) see(in law.Input) {
	switch {
	case in.Demand.Held > 0:
		if h.first == 0 {
			h.first = in.Now
		}
		if in.Demand.Idle != 0 || len(h.ends) > 0 {
			h.broken = append(h.broken, in)
		}
		h.last = in.Now
	case h.first > 0:
		h.ends = append(h.ends, in.Now-in.Demand.Idle)
	}
}

// What gateways hold is seen as they would report it: idle since the last request was
// released, not since a step noticed that; and the first one that is held brings a step.
func TestDemand(t *testing.T) {
	f := parse(t, strings.Replace(strings.Replace(small, "0..4 from 1", "0..4 from 0", 1), "rate=3,duration=10m", "rate=0.02,duration=5m", 1))
	var h holding
	s := spy{needs: []reading.Signal{reading.Running}, n: 1, look: h.see}
	p := s.policy()
	p.Wake = &guard.Wake{PerReplica: 1, Quiet: 5 * time.Second}
	if _, err := Run(f.Setup, p, 1); err != nil || len(h.ends) == 0 {
		t.Fatalf("after %d steps with nothing held: %v", len(h.ends), err)
	}
	if len(h.broken) > 0 {
		t.Errorf("held and idle, or held again: %+v", h.broken)
	}
	for _, end := range h.ends {
		if end != h.ends[0] || end <= h.last {
			t.Errorf("holding ends at %v, and at %v, after requests are held at %v", h.ends[0], end, h.last)
		}
	}
	arrival := time.Duration(0)
	for _, at := range f.Setup.Arrivals(SeedOf(1)) {
		arrival = at
		break
	}
	if h.first != arrival {
		t.Errorf("the first step that sees a request held is at %v, it came at %v", h.first, arrival)
	}
}
