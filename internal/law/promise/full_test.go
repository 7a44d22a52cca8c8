package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// An engine that runs 16 requests at once serves 2.4 per second, which no metric tells: by its
// costs it would serve almost twice as many. Once it is full and others wait, more replicas are
// asked for within seconds, and what one serves is not taken for more.
func TestFullEngines(t *testing.T) {
	for name, prior := range map[string]capacity.Prior{"costs known": exampleLaw().Prior, "nothing known": {}} {
		l := exampleLaw()
		l.Prior = prior
		w := lawtest.NewWorld(1)
		w.Seats, w.Rate = 16, 2
		s, n := play(w, l, nil, 1, 10*time.Minute)
		if n != 1 {
			t.Fatalf("%s: %d replicas for 2 requests per second, want 1", name, n)
		}
		w.Rate = 3.2
		s, n = untilFull(t, w, l, s)
		full := w.Now
		for w.Now < full+time.Minute && n == 1 {
			s, n = play(w, l, s, n, w.Now+lawtest.Every)
		}
		if n < 2 || w.Now > full+15*time.Second {
			t.Errorf("%s: %d replicas %v after the engine was full, want more than one within 15 s", name, n, w.Now-full)
		}
		s, _ = play(w, l, s, n, w.Now+time.Minute)
		if m := law.Resume[State](s).Model; m.Within > 2.4 || m.Within < 1.2 || m.Capacity > 2.4 {
			t.Errorf("%s: one replica serves %.2f, from %.2f to %.2f, want 1.2 to 2.4", name, m.Within, m.Low, m.High)
		}
		w.Rate = 2
		s, _ = play(w, l, s, n, w.Now+8*time.Hour)
		if m := law.Resume[State](s).Model; m.Capacity > 2.5 {
			t.Errorf("%s: one replica serves %.2f eight hours later, in which none was full, want at most 2.5", name, m.Within)
		}
	}
}

// untilFull goes on with one replica until requests wait in it.
func untilFull(t *testing.T, w *lawtest.World, l Law, s law.State) (law.State, int) {
	t.Helper()
	for end := w.Now + 10*time.Minute; w.Now < end; {
		var n int
		if s, n = play(w, l, s, 1, w.Now+lawtest.Every); law.Resume[State](s).Pods[0].Waiting > 0 {
			return s, n
		}
	}
	t.Fatal("the engine is never full")
	return nil, 0
}
