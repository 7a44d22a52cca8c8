package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// play steps a law for a time and returns its state and number; the world does as it asks.
func play(w *lawtest.World, l Law, s law.State, desired int, until time.Duration) (law.State, int) {
	var out law.Output
	for w.Now < until {
		w.Pass()
		s, out = l.Step(s, w.Input(l.Needs(), desired))
		desired = out.Replicas
		w.Scale(desired)
	}
	return s, desired
}
