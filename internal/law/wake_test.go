package law

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

func TestRaised(t *testing.T) {
	const unknown = 1 << 30
	for name, tc := range map[string]struct {
		was, held  int
		quiet      bool
		perReplica float64
		most, want int
	}{
		"nothing held":        {0, 0, true, 4, 8, 0},
		"one":                 {0, 1, false, 4, 8, 1},
		"nine, four each":     {0, 9, false, 4, 8, 3},
		"more than the most":  {0, 1000, false, 4, 8, 8},
		"an unknown target":   {0, 1000, false, unknown, 8, 1},
		"no target":           {0, 5, false, 0, 8, 8},
		"fewer held":          {3, 1, false, 4, 8, 3},
		"none, not for long":  {3, 0, false, 4, 8, 3},
		"none, for long":      {3, 0, true, 4, 8, 0},
		"the most is lower":   {3, 0, false, 4, 2, 2},
		"held, though quiet":  {0, 2, true, 1, 8, 2},
		"no replica at most":  {0, 2, false, 1, 0, 0},
		"a negative number":   {0, -1, true, 4, 8, 0},
		"less than one each":  {0, 2, false, .5, 8, 4},
		"a target of a third": {0, 1, false, 1. / 3, 8, 3},
	} {
		if got := Raised(tc.was, tc.held, tc.quiet, tc.perReplica, tc.most); got != tc.want {
			t.Errorf("%s: Raised() = %d, want %d", name, got, tc.want)
		}
	}
}

// A wakeRun steps the law as the simulator does.
type wakeRun struct {
	law Law
	in  Input
	out Output
}

func (r *wakeRun) step(at time.Duration, held int) Wake {
	r.in.Now, r.in.Fleet.Held = at, held
	r.law, r.out = r.law.Step(r.in)
	r.in.Desired = r.out.Replicas
	w, _ := r.law.(Wake)
	return w
}

// At zero there is no series to read; while the three replicas start there is none
// either.
func TestWakeWorkedExample(t *testing.T) {
	c := KEDAConfig{Triggers: []Trigger{{Signal: reading.Running, Target: AverageValue, Threshold: 4, KeepNull: true}}}.Defaults()
	c.Max = 8
	r := wakeRun{law: Wake{KEDA: NewKEDA(c), PerReplica: 4}, in: Input{}}
	r.step(0, 0)
	r.step(12*time.Second, 9)
	if r.out.Replicas != 3 || r.out.Next > 17*time.Second {
		t.Fatalf("with 9 held at 12 s: %d replicas, next step at %v, want 3 at once and a step within 5 s", r.out.Replicas, r.out.Next)
	}
	for at := 15 * time.Second; at < 100*time.Second; at += 5 * time.Second {
		if r.step(at, 9); r.out.Replicas != 3 {
			t.Fatalf("with 9 held at %v: %d replicas, want 3", at, r.out.Replicas)
		}
	}
	r.in.Readings.Add(reading.Running).Total = reading.New(9, 99*time.Second)
	if w := r.step(99*time.Second, 0); w.raised != 3 || r.out.Next != 100*time.Second {
		t.Errorf("nothing held since 95 s: minimum %d, next step at %v, want 3 still, and a step at 100 s", w.raised, r.out.Next)
	}
	if w := r.step(100*time.Second, 0); w.raised+w.Min != 0 || w.ForceActivation || r.out.Replicas != 3 {
		t.Errorf("nothing held for 5 s: %d replicas, %+v; want 3 replicas and the ScaledObject as it was", r.out.Replicas, w)
	}
	r.in.Readings.Add(reading.Running).Total = reading.New(0, 110*time.Second)
	for at := 110 * time.Second; at < 500*time.Second; at += 5 * time.Second {
		r.step(at, 0)
	}
	if r.out.Replicas != 0 {
		t.Errorf("idle for longer than the cooldown: %d replicas, want 0", r.out.Replicas)
	}
}
