package law

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/reading"
)

// metric is what the examples read.
const metric = reading.Signal(1 << 10)

// see is an input with fresh totals.
func see(now time.Duration, desired int, totals map[reading.Signal]float64) Input {
	in := Input{Now: now, Desired: desired, Fleet: Fleet{Ready: desired}}
	for signal, v := range totals {
		in.Readings.Add(signal).Total = reading.New(v, now)
	}
	for range desired {
		in.Pods = append(in.Pods, Pod{Phase: PodRunning, Ready: true})
	}
	return in
}

// stepAll steps a law at its own times until the end; what it asks for is there at
// the next step. It returns what was asked for when it changed.
func stepAll(l Law, from int, until time.Duration, totals func(now time.Duration) map[reading.Signal]float64) []Level {
	var all []Level
	desired := from
	for now := time.Duration(0); now <= until; {
		var out Output
		l, out = l.Step(see(now, desired, totals(now)))
		if out.Replicas != desired {
			all = append(all, Level{now, out.Replicas})
		}
		desired, now = out.Replicas, out.Next
	}
	return all
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

func TestStaticWorkedExample(t *testing.T) {
	_, out := Static{8}.Step(see(0, 3, nil))
	diff(t, "Step", out, Output{Replicas: 8, Reasons: []Reason{{"static", 3, 8}}, Next: time.Hour})
}

func TestOracleWorkedExample(t *testing.T) {
	o := Oracle{OracleConfig: OracleConfig{
		ColdStart: 2 * time.Minute,
		Needed:    []Level{{0, 2}, {5 * time.Minute, 6}, {8 * time.Minute, 1}},
	}}
	none := func(time.Duration) map[reading.Signal]float64 { return nil }
	diff(t, "changes", stepAll(o, 2, time.Hour, none), []Level{{3 * time.Minute, 6}, {8 * time.Minute, 1}})
}

func TestHPAWorkedExample(t *testing.T) {
	c := HPAConfig{}.Defaults()
	c.Bounds, c.Metrics = Bounds{1, 4}, []HPAMetric{{Kind: External, Signal: metric, Goal: 5}}
	c.Behavior = &Behavior{c.DefaultUp(), c.DefaultDown()}
	_, out := HPA{HPAConfig: c}.Step(see(15*time.Second, 2, map[reading.Signal]float64{metric: 21}))
	diff(t, "Step", out, Output{
		Replicas: 4, Next: 30 * time.Second,
		Reasons: []Reason{{"metric", 2, 5}, {"maximum", 5, 4}},
	})
}

func TestKEDAWorkedExample(t *testing.T) {
	c := KEDAConfig{Triggers: []Trigger{{Signal: metric, Threshold: 5}}}.Defaults()
	c.Max, c.HPA.FirstSync = 10, 20*time.Second
	c.Behavior = &Behavior{c.HPA.DefaultUp(), c.HPA.DefaultDown()}
	value := func(now time.Duration) map[reading.Signal]float64 {
		if now >= 30*time.Second && now < time.Minute {
			return map[reading.Signal]float64{metric: 12}
		}
		return map[reading.Signal]float64{metric: 0}
	}
	diff(t, "changes", stepAll(NewKEDA(c), 0, 400*time.Second, value), []Level{
		{30 * time.Second, 1}, {35 * time.Second, 3}, {330 * time.Second, 0},
	})
}

func TestKPAWorkedExample(t *testing.T) {
	concurrency := func(now time.Duration) map[reading.Signal]float64 {
		running := 35.0
		if now > 30*time.Second {
			running = 350
		}
		return map[reading.Signal]float64{reading.Running: running, reading.Waiting: 0}
	}
	k := KPA{KPAConfig: KPAConfig{}.Defaults()}
	diff(t, "changes", stepAll(k, 1, 32*time.Second, concurrency), []Level{{32 * time.Second, 2}})
}
