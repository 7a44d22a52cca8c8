package promise

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// exampleLaw promises what a fleet of the world can keep.
func exampleLaw() Law {
	return Law{
		Bounds: law.Bounds{Min: 1, Max: 20}, Promise: 0.95, TTFT: time.Second, TPOT: 100 * time.Millisecond,
		Prior: capacity.Known(capacity.Costs{Step: 0.02, Prompt: 1e-6, Sequence: 800e-6, Context: 1e-9}),
	}
}

// INV-1: what is asked for follows what arrives, up within seconds and down after a start
// and a drain.
func TestFollowsDemand(t *testing.T) {
	w, l := lawtest.NewWorld(3), exampleLaw()
	w.Rate = 10
	s, n := play(w, l, nil, 3, 20*time.Minute)
	w.Rate = 60
	s, more := play(w, l, s, n, 20*time.Minute+45*time.Second)
	if more < 3*n {
		t.Errorf("of six times the rate %d replicas became %d within 45 s, want three times as many", n, more)
	}
	w.Rate = 10
	s, held := play(w, l, s, more, 22*time.Minute)
	if held < more {
		t.Errorf("%d replicas became %d before a start and a drain were over", more, held)
	}
	if _, again := play(w, l, s, held, 6*time.Hour); again >= more/2 {
		t.Errorf("%d replicas became %d within hours at a sixth of the rate", more, again)
	}
}

// INV-2: blind it never asks for fewer.
func TestBlind(t *testing.T) {
	l := exampleLaw()
	for name, blind := range map[string]func(law.Input) law.Input{
		"absent":        func(in law.Input) law.Input { return lawtest.Spoilt(in, 0, reading.Absent) },
		"stale":         func(in law.Input) law.Input { return lawtest.Spoilt(in, 1, reading.Stale) },
		"invalid":       func(in law.Input) law.Input { return lawtest.Spoilt(in, 2, reading.Invalid) },
		"nothing":       func(in law.Input) law.Input { in.Readings = nil; return in },
		"pods unknown":  func(in law.Input) law.Input { in.Fleet.Pods = nil; return in },
		"contradictory": func(in law.Input) law.Input { in.Demand.InFlight = 10000; return in },
	} {
		w := lawtest.NewWorld(8)
		w.Rate = 60
		s, n := play(w, l, nil, 8, 10*time.Minute)
		w.Rate = 5
		for w.Now < 40*time.Minute {
			w.Pass()
			var out law.Output
			if s, out = l.Step(s, blind(w.Input(l.Needs(), n))); out.Replicas < n {
				t.Errorf("%s: %d replicas became %d: %v", name, n, out.Replicas, out.Reasons)
				break
			}
		}
	}
}

// INV-3: replicas that never become ready do not make it ask for more and more.
func TestNeverReady(t *testing.T) {
	l := exampleLaw()
	l.Max = 0
	w := lawtest.NewWorld(1)
	w.Rate = 20
	s, n := play(w, l, nil, 1, 10*time.Minute)
	w.Start, w.Servers = 0, nil // no pod is ready from now on
	w.Scale(n)
	s, n = play(w, l, s, n, 25*time.Minute)
	if _, later := play(w, l, s, n, 3*time.Hour); later > n {
		t.Errorf("%d replicas that are never ready became %d", n, later)
	}
}

// Starts that take five times as long as those that were learned from make it ask for a half
// more at most, for what has queued up meanwhile.
func TestSlowStart(t *testing.T) {
	l := exampleLaw()
	most := func(start time.Duration) (most int) {
		w := lawtest.NewWorld(3)
		w.Rate = 12
		s, n := play(w, l, nil, 3, time.Hour)
		w.Rate = 40
		w.Start = start
		for w.Now < 80*time.Minute {
			s, n = play(w, l, s, n, w.Now+lawtest.Every)
			most = max(most, n)
		}
		return most
	}
	usual, slow := most(100*time.Second), most(500*time.Second)
	t.Logf("at most %d replicas as learned, %d where starts are slow", usual, slow)
	if slow > usual+usual/2 {
		t.Errorf("%d replicas were asked for at most while starts took five times as long, and %d with those learned", slow, usual)
	}
}

// Pods that are killed under load, as for want of memory, are lost capacity, not less
// demand: no fewer are asked for.
func TestKilledUnderLoad(t *testing.T) {
	w, l := lawtest.NewWorld(6), exampleLaw()
	w.Rate = 40
	s, n := play(w, l, nil, 6, 30*time.Minute)
	for range 5 {
		for _, p := range w.Servers[:n/2] {
			p.Reset()
			p.Ready, p.CreatedAt, p.ChangedAt = false, w.Now, w.Now
		}
		var next int
		if s, next = play(w, l, s, n, w.Now+4*time.Minute); next < n {
			t.Fatalf("%d replicas became %d after half of them were killed under load", n, next)
		}
		n = next
	}
}

// INV-4: the same state and input yield the same decision, also where the state was
// written down and read in between; it stays small.
func TestStateIsWrittenDown(t *testing.T) {
	w, l := lawtest.NewWorld(3), exampleLaw()
	w.Rate = 12
	var s law.State
	n := 3
	for w.Now < 3*time.Hour {
		if w.Rate += 0.02; w.Now > 90*time.Minute {
			w.Rate -= 0.04
		}
		w.Pass()
		in := w.Input(l.Needs(), n)
		if int(w.Now/lawtest.Every)%97 == 0 {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 64<<10 {
				t.Fatalf("state after %v: %d bytes, want 64 KiB at most", w.Now, len(text))
			}
			var read State
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			other, out := l.Step(read, in)
			next, want := l.Step(s, in)
			if d := cmp.Diff(want, out); d != "" {
				t.Fatalf("after %v: Step(read) is not Step(kept) (-want +got):\n%s", w.Now, d)
			}
			if d := cmp.Diff(next, other); d != "" {
				t.Fatalf("after %v: the states differ (-want +got):\n%s", w.Now, d)
			}
		}
		var out law.Output
		s, out = l.Step(s, in)
		n = out.Replicas
		w.Scale(n)
	}
}

// INV-4: after two busy weeks of 16 replicas it is as small.
func TestStateOfWeeks(t *testing.T) {
	w, l := lawtest.NewWorld(16), exampleLaw()
	w.Rate = 200
	s, _ := play(w, l, nil, 16, time.Hour)
	weeks := s.(State)
	weeks.Demand.History = forecast.History{}
	for at := time.Duration(0); at < 15*day; at += 20 * time.Second {
		weeks.Demand.History = weeks.Demand.History.Add(at, 50+25*math.Sin(at.Seconds()))
	}
	parts := map[string]any{"history": weeks.Demand.History, "pods": weeks.Pods, "levels": weeks.Demand.Levels, "lengths": weeks.Lengths, "all": weeks}
	sizes := map[string]int{}
	for name, part := range parts {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		sizes[name] = len(text)
	}
	if t.Logf("bytes: %v", sizes); sizes["all"] > 64<<10 {
		t.Errorf("state of two weeks: %d bytes, want 64 KiB at most: %v", sizes["all"], sizes)
	}
}

// A state of another version is from scratch, and that is said.
func TestOtherVersion(t *testing.T) {
	w, l := lawtest.NewWorld(2), exampleLaw()
	w.Pass()
	_, out := l.Step(State{Version: Version + 1}, w.Input(l.Needs(), 2))
	if len(out.Reasons) == 0 || out.Reasons[0].Rule != law.RuleScratch || out.Replicas != 2 {
		t.Errorf("Step() = %+v, want 2 from scratch", out)
	}
}

// INV-5: the last replica goes when nothing has come for long enough, and one comes back
// for what is held.
func TestZero(t *testing.T) {
	w, l := lawtest.NewWorld(1), exampleLaw()
	l.Min = 0
	w.Rate = 5
	s, n := play(w, l, nil, 1, 30*time.Minute)
	w.Rate = 0
	s, n = play(w, l, s, n, 31*time.Minute)
	if n < 1 {
		t.Errorf("%d replicas a minute after the last request, want 1", n)
	}
	s, n = play(w, l, s, n, 50*time.Minute)
	if n != 0 {
		t.Fatalf("%d replicas twenty minutes after the last request, want 0", n)
	}
	w.Rate = 1
	s, n = play(w, l, s, n, 51*time.Minute)
	if n < 1 {
		t.Errorf("%d replicas with %v requests held, want 1", n, w.Held)
	}
	if _, n = play(w, l, s, n, 55*time.Minute); n < 1 || w.Held > 0 {
		t.Errorf("%d replicas and %v requests held four minutes later", n, w.Held)
	}
}
