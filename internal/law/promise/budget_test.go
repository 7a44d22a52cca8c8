package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

func TestBudget(t *testing.T) {
	b := Budget{PerSecond: 10, Balance: 600, Reserve: 240}
	if got := b.factor(0.05); !near(got, 1.1, 1e-9) {
		t.Errorf("factor() = %v, want 1.1", got)
	}
	b.Balance = -180
	if got := b.factor(0.05); !near(got, 0.8, 1e-9) {
		t.Errorf("factor() = %v, want 0.8", got)
	}
}

// A surplus is worth half after an hour, and no more is owed than an hour allows.
func TestBudgetForgets(t *testing.T) {
	b := Budget{PerSecond: 10, Balance: 600}
	for range 720 {
		b = b.count(0, seen{took: 5 * time.Second, Counts: Counts{First: 50}})
	}
	if !near(b.Balance, 300, 1) {
		t.Errorf("after an hour the balance is %v, want 300", b.Balance)
	}
	for range 720 {
		b = b.count(0.05, seen{took: 5 * time.Second, Counts: Counts{Arrivals: 50, First: 50, Late: 50}})
	}
	if want := -0.05 * 10 * 3600.; !near(b.Balance, want, 1) {
		t.Errorf("after an hour of misses the balance is %v, want %v", b.Balance, want)
	}
}

// The gain rises while less is expected to miss than may.
func TestGain(t *testing.T) {
	b := Budget{}
	for range 4320 { // six hours
		b = b.expect(0.05, 0.025, 5*time.Second)
	}
	if !near(b.Gain, 0.5, 0.01) {
		t.Errorf("gain after six hours at half of what is allowed = %v, want 0.5", b.Gain)
	}
}

// The two objectives are missed independently as far as is known; those that waited in
// front missed.
func TestMissedRequests(t *testing.T) {
	v := seen{Counts: Counts{First: 100, Late: 10, Answered: 80, Slow: 8, Waited: 5}}
	if got := v.missed(); !near(got, 10+8-0.8+5, 1e-9) {
		t.Errorf("missed() = %v, want 22.2", got)
	}
}

// What is counted of a promise is what its budget is charged with. All first tokens come within
// 10 to 100 ms there: of a time of 1 s none is late, of 5 ms all are.
func TestCounted(t *testing.T) {
	for target, want := range map[time.Duration]float64{time.Second: 0, 5 * time.Millisecond: 1} {
		l, w := exampleLaw(), lawtest.NewWorld(3)
		l.TTFT, w.Rate = target, 6
		var s law.State
		var out law.Output
		var requests, missed float64
		for w.Now < 20*time.Minute {
			w.Pass()
			s, out = l.Step(s, w.Input(l.Needs(), 3))
			requests, missed = requests+out.Counted.Requests, missed+out.Counted.Missed
			if out.Counted.Promised != l.Promise || out.Counted.Missed < 0 || out.Counted.Missed > out.Counted.Requests+1e-9 {
				t.Fatalf("%+v is counted of a promise of %v", out.Counted, l.Promise)
			}
		}
		if !near(missed, want*requests, 1e-6*requests) || requests < 6*18*60 {
			t.Errorf("of %v %.0f of %.0f requests missed, want a share of %v", target, missed, requests, want)
		}
	}
}
