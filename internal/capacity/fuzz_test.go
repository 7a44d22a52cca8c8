package capacity_test

import (
	"math"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
)

func finite(xs ...float64) bool {
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// FuzzFit: INV-1 and INV-2, whatever a pod is said to have done.
func FuzzFit(f *testing.F) {
	f.Add(int64(15e9), 3000.0, 180.0, 24000.0, 1200.0, 13.6e-3, 0.3)
	f.Add(int64(-1), math.NaN(), math.Inf(1), -1.0, 0.0, 0.0, 0.0)
	f.Add(int64(1e9), 20.0, 1e4, 1e11, 1e11, 1e-14, 1e3)
	f.Fuzz(func(t *testing.T, took int64, gaps, seconds, prompt, context, step, common float64) {
		prior := capacity.Prior{Costs: capacity.Costs{Step: step, Prompt: step / 1e3, Sequence: step / 1e3, Context: step / 1e6}, Common: common, Each: 0.2}
		use := capacity.Use{Took: time.Duration(took), Gaps: gaps, GapSeconds: seconds, PromptTokens: prompt, Context: context}
		var fit capacity.Fit
		for range 20 {
			was := fit
			fit = fit.Learn(prior, use)
			if !finite(gaps, seconds, prompt, context) && fit != was {
				t.Fatalf("Learn(%+v) learned of what is no number", use)
			}
		}
		c := fit.Estimate(prior).Costs
		if !finite(c.Step, c.Prompt, c.Sequence, c.Context) || min(c.Step, c.Prompt, c.Sequence, c.Context) <= 0 {
			t.Fatalf("Learn(%+v) comes to %+v", use, c)
		}
		e := capacity.Engine{
			Fit: fit, Prior: prior, Mix: capacity.Mix{Prompt: prompt, Spread: common, Output: gaps, Context: context},
			Limits: capacity.Limits{TTFT: time.Duration(took), TPOT: time.Second, CacheTokens: prompt, BatchTokens: context},
			Full: capacity.Full{}.Add(capacity.Full{Took: time.Duration(took), First: gaps, Ended: prompt, Sequences: common}).
				Add(capacity.Full{Took: time.Second, First: prompt, Ended: context, Sequences: step}).Fade(time.Duration(took)),
		}.Estimate(step)
		if !finite(e.PerSecond, e.Low, e.High) || !(0 <= e.Low && e.Low <= e.PerSecond && e.PerSecond <= e.High) {
			t.Fatalf("%+v of %+v", e, use)
		}
	})
}

// FuzzReplica: INV-1 and INV-3, of whatever engine, mix and limits.
func FuzzReplica(f *testing.F) {
	f.Add(13.6e-3, 51e-6, 53e-6, 43e-9, 4000.0, 1000.0, 1.5, 309e3)
	f.Add(1e-9, 0.0, math.Inf(1), -1.0, 0.0, math.NaN(), 0.0, 1.0)
	f.Fuzz(func(t *testing.T, step, prompt, sequence, context, input, output, spread, cache float64) {
		r := capacity.Replica{
			Costs:  capacity.Costs{Step: step, Prompt: prompt, Sequence: sequence, Context: context},
			Mix:    capacity.Mix{Prompt: input, Spread: spread, Output: output, Context: input + output/2},
			Limits: capacity.Limits{TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond, CacheTokens: cache, BatchTokens: 2048},
		}
		perSecond, limit := r.Capacity()
		within := r.Within(0.95)
		if !finite(perSecond, within) || perSecond < 0 || within < 0 || limit.String() == "unknown" {
			t.Fatalf("%+v: %v per second by %v, %v within", r, perSecond, limit, within)
		}
		table := r.Table()
		for _, n := range []int{-1, 1, 3, 16, 1000} {
			last := math.Inf(-1)
			for u := 0.0; u < 1.4; u += 0.07 {
				share := r.Missed(u*perSecond, n)
				if !(share >= 0 && share <= 1) || !finite(table.LogOdds(u, n)) {
					t.Fatalf("%+v: %v missed by %d at %v", r, share, n, u)
				}
				if odds := table.LogOdds(u, n); odds < last-1e-9 {
					t.Fatalf("%+v: log odds %v of %d at %v of the capacity, %v before", r, odds, n, u, last)
				} else {
					last = odds
				}
			}
		}
		dearer(t, r)
	})
}

// dearer checks that a replica whose steps and prompts take twice as long can do no more.
func dearer(t *testing.T, r capacity.Replica) {
	t.Helper()
	twice := r
	twice.Costs.Prompt, twice.Costs.Step = 2*r.Costs.Prompt, 2*r.Costs.Step
	was, _ := r.Capacity()
	if is, _ := twice.Capacity(); is > was*1.001+1e-9 {
		t.Fatalf("%+v: %v per second, of half the costs %v", twice, is, was)
	}
	if is, was := roomOf(t, twice), roomOf(t, r); is.Sequences > was.Sequences {
		t.Fatalf("%+v: room for %d, of half the costs %d", twice, is.Sequences, was.Sequences)
	}
}

func roomOf(t *testing.T, r capacity.Replica) capacity.Room {
	t.Helper()
	room := r.Room()
	if room.Sequences < 1 || room.PerToken < 0 || room.Rest < 0 {
		t.Fatalf("%+v: room for %+v", r, room)
	}
	return room
}

// FuzzCurve: INV-1, INV-2 and INV-4.
func FuzzCurve(f *testing.F) {
	f.Add(-3.0, 60.0, 0.05, 2.0, 10.0, 0.9)
	f.Add(math.NaN(), -1.0, 2.0, math.Inf(1), 1e300, 0.0)
	f.Fuzz(func(t *testing.T, odds, requests, share, odds2, requests2, share2 float64) {
		var c capacity.Curve
		for range 5 {
			c = c.Learn(odds, requests, share).Learn(odds2, requests2, share2).Fade(0.9)
		}
		k := c.Calibrated()
		last := 0.0
		for x := -12.0; x < 12; x += 0.1 {
			got := k.Share(x)
			if !(got >= last-1e-12 && got <= 1) {
				t.Fatalf("Share(%v) = %v after %v", x, got, last)
			}
			last = got
		}
		if got := k.Share(math.NaN()); got != 1 {
			t.Fatalf("Share(NaN) = %v", got)
		}
	})
}
