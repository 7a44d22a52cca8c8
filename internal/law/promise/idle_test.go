package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// INV-6: a state from scratch that finds an engine which has served, and is idle, asks for no
// more than there is: what it believes of jumps is no traffic.
func TestIdleFromScratch(t *testing.T) {
	w, l := lawtest.NewWorld(1), exampleLaw()
	l.Prior, l.TTFT = capacity.Prior{}, 300*time.Millisecond
	w.Rate = 2
	play(w, l, nil, 1, time.Hour)
	w.Scale(1)
	for w.Rate = 0; w.Now < time.Hour+10*time.Minute; {
		w.Pass()
	}
	if _, n := play(w, l, nil, 1, w.Now+10*time.Minute); n != 1 {
		t.Errorf("beside an idle engine that has served: %d replicas, want 1", n)
	}
}
