package guard

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

func held(n int, idle time.Duration) demand.Demand {
	return demand.Demand{Work: demand.Work{Held: n}, Idle: idle}
}

// INV-1 and INV-2.
func TestRaise(t *testing.T) {
	const unknown, quiet, early = 1 << 30, 5 * time.Second, 5*time.Second - 1
	for name, tc := range map[string]struct {
		was, held  int
		idle       time.Duration
		perReplica float64
		most, want int
	}{
		"nothing held":        {0, 0, quiet, 4, 8, 0},
		"one":                 {0, 1, 0, 4, 8, 1},
		"nine, four each":     {0, 9, 0, 4, 8, 3},
		"more than the most":  {0, 1000, 0, 4, 8, 8},
		"an unknown target":   {0, 1000, 0, unknown, 8, 1},
		"no target":           {0, 5, 0, 0, 8, 8},
		"fewer held":          {3, 1, 0, 4, 8, 3},
		"none, not for long":  {3, 0, early, 4, 8, 3},
		"none, for long":      {3, 0, quiet, 4, 8, 0},
		"the most is lower":   {3, 0, early, 4, 2, 2},
		"held, though quiet":  {0, 2, quiet, 1, 8, 2},
		"no replica at most":  {0, 2, 0, 1, 0, 0},
		"a negative number":   {0, -1, quiet, 4, 8, 0},
		"less than one each":  {0, 2, 0, .5, 8, 4},
		"a target of a third": {0, 1, 0, 1. / 3, 8, 3},
	} {
		w := Wake{PerReplica: tc.perReplica, Quiet: quiet}
		if got := w.Raise(tc.was, held(tc.held, tc.idle), 0, tc.most); got != tc.want {
			t.Errorf("%s: Raise() = %d, want %d", name, got, tc.want)
		}
	}
}

// Requests in flight count beside those that are held where the metric counts them, and a
// minimum that is there anyway is not raised.
func TestRaiseBesideRunning(t *testing.T) {
	d := demand.Demand{Work: demand.Work{Held: 3, InFlight: 9}}
	for _, tc := range []struct {
		counts      bool
		least, want int
	}{{true, 0, 3}, {false, 0, 1}, {true, 2, 3}, {true, 3, 0}, {false, 1, 0}} {
		w := Wake{PerReplica: 4, CountsRunning: tc.counts, Quiet: 5 * time.Second}
		if got := w.Raise(0, d, tc.least, 8); got != tc.want {
			t.Errorf("counted %t, at least %d: Raise() = %d, want %d", tc.counts, tc.least, got, tc.want)
		}
	}
	idle := demand.Demand{Work: demand.Work{InFlight: 9}, Idle: time.Second}
	if got := (Wake{PerReplica: 4, CountsRunning: true, Quiet: 5 * time.Second}).Raise(0, idle, 0, 8); got != 0 {
		t.Errorf("nothing held: Raise() = %d, want 0", got)
	}
}

func TestDue(t *testing.T) {
	w := Wake{Quiet: 5 * time.Second}
	for idle, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 3 * time.Second: 2 * time.Second, time.Minute: 0} {
		if got := w.Due(held(0, idle)); got != want {
			t.Errorf("idle for %v: Due() = %v, want %v", idle, got, want)
		}
	}
}

// INV-3: as many tiny requests as a service has replicas bring no more than Cold of them
// before one has answered; what was raised before stays.
func TestRaiseWhileCold(t *testing.T) {
	for name, tc := range map[string]struct{ was, held, cold, most, want int }{
		"many":                {0, 1000, 2, 8, 2},
		"one":                 {0, 1, 2, 8, 1},
		"the most is lower":   {0, 1000, 2, 1, 1},
		"raised before":       {5, 1000, 2, 8, 5},
		"no bound":            {0, 1000, 0, 8, 8},
		"no replica at most":  {0, 1000, 2, 0, 0},
		"a most that is less": {5, 1000, 2, 4, 4},
	} {
		d := held(tc.held, 0)
		d.Cold = true
		w := Wake{PerReplica: 1, Quiet: 5 * time.Second, Cold: tc.cold}
		if got := w.Raise(tc.was, d, 0, tc.most); got != tc.want {
			t.Errorf("%s: Raise() = %d, want %d", name, got, tc.want)
		}
		if d.Cold = false; tc.was < tc.most && w.Raise(tc.was, d, 0, tc.most) != min(tc.most, max(tc.was, tc.held)) {
			t.Errorf("%s, after an answer: Raise() = %d, want %d", name, w.Raise(tc.was, d, 0, tc.most), min(tc.most, max(tc.was, tc.held)))
		}
	}
}

func TestWakeWorkedExample(t *testing.T) {
	w := Wake{PerReplica: 4, Quiet: 5 * time.Second, Cold: 2}
	cold := held(9, 0)
	cold.Cold = true
	raised := w.Raise(0, cold, 0, 8)
	if raised != 2 {
		t.Errorf("at 0 s the minimum is %d, want 2", raised)
	}
	if raised = w.Raise(raised, held(9, 0), 0, 8); raised != 3 {
		t.Errorf("at 90 s the minimum is %d, want 3", raised)
	}
	for _, at := range []time.Duration{95, 97, 99} {
		if raised = w.Raise(raised, held(0, at*time.Second-95*time.Second), 0, 8); raised != 3 {
			t.Errorf("at %d s the minimum is %d, want 3", at, raised)
		}
	}
	if raised = w.Raise(raised, held(0, 5*time.Second), 0, 8); raised != 0 {
		t.Errorf("at 100 s the minimum is %d, want 0", raised)
	}
}
