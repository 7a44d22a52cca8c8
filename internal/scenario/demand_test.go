package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// What gateways hold is seen as they would report it: idle since the last request was
// released, not since a step noticed that; and the first one that is held brings a step.
func TestDemand(t *testing.T) {
	f := parse(t, strings.Replace(strings.Replace(small, "0..4 from 1", "0..4 from 0", 1), "rate=3,duration=10m", "rate=0.02,duration=5m", 1))
	var ends, first, before time.Duration // of holding; the first step that saw a request held; the step before it is over
	wrong := 0
	s := spy{needs: []reading.Signal{reading.Running}, n: 1, look: func(in law.Input) {
		switch held := in.Demand.Held > 0; {
		case held && in.Demand.Idle != 0:
			t.Errorf("at %v: %+v", in.Now, in.Demand)
		case held:
			before = in.Now
			if first == 0 {
				first = in.Now
			}
		case before > 0 && ends == 0:
			ends = in.Now - in.Demand.Idle
			if ends <= before || ends >= in.Now {
				t.Errorf("at %v idle for %v, and held at %v still", in.Now, in.Demand.Idle, before)
			}
		case before > 0 && in.Now-in.Demand.Idle != ends:
			wrong++
		}
	}}
	p := s.policy()
	p.Wake = &guard.Wake{PerReplica: 1, Quiet: 5 * time.Second}
	if _, err := Run(f.Setup, p, 1); err != nil || ends == 0 || wrong > 0 {
		t.Errorf("%v; holding ends at %v, and %d steps later say otherwise", err, ends, wrong)
	}
	arrival := time.Duration(0)
	for _, at := range f.Setup.arrivals(seedOf(1)) {
		arrival = at
		break
	}
	if first != arrival {
		t.Errorf("the first step that sees a request held is at %v, it came at %v", first, arrival)
	}
}
