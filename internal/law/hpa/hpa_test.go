package hpa

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

func TestHPAWorkedExample(t *testing.T) {
	c := Law{}.Defaults()
	c.Bounds, c.Metrics = law.Bounds{Min: 1, Max: 4}, []Metric{{Kind: External, Signal: reading.Query(0), Goal: 5}}
	c.Behavior = &Behavior{c.DefaultUp(), c.DefaultDown()}
	_, got := c.Step(nil, lawtest.See(15*time.Second, 2, lawtest.Totals{reading.Query(0): 21}))
	want := law.Output{Replicas: 4, Next: 30 * time.Second, Reasons: []law.Reason{
		{Rule: law.RuleMetric, From: 2, To: 5, Terms: []law.Term{
			law.Known(law.TermValue, 21, law.UnitNone), law.Known(law.TermGoal, 5, law.UnitNone), law.Known(law.TermMetric, 0, law.UnitNone),
		}},
		{Rule: law.RuleMaximum, From: 5, To: 4, Terms: []law.Term{law.Replicas(law.TermMaximum, 4)}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}

// INV-1: an edit of the maximum keeps the windows: what was proposed before it still holds.
func TestStateOutlivesAnEdit(t *testing.T) {
	c := Law{Bounds: law.Bounds{Min: 1, Max: 8}, Metrics: []Metric{{Kind: External, Signal: reading.Query(0), Goal: 1}}}.Defaults()
	state, _ := c.Step(nil, lawtest.See(15*time.Second, 6, lawtest.Totals{reading.Query(0): 6}))
	c.Max = 7
	_, out := c.Step(state, lawtest.See(30*time.Second, 6, lawtest.Totals{reading.Query(0): 1}))
	_, anew := c.Step(nil, lawtest.See(30*time.Second, 6, lawtest.Totals{reading.Query(0): 1}))
	if out.Replicas != 6 || anew.Replicas != 6 {
		t.Errorf("%d replicas with the state, %d from scratch, want the 6 of the window", out.Replicas, anew.Replicas)
	}
	_, out = c.Step(state, lawtest.See(316*time.Second, 6, lawtest.Totals{reading.Query(0): 1}))
	if out.Replicas != 1 {
		t.Errorf("%d replicas after the window, want 1", out.Replicas)
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		CPU.String(): "CPU", MetricKind(-1).String(): "unknown", Utilization.String(): "Utilization", Target(9).String(): "unknown",
		SelectMin.String(): "Min", Select(9).String(): "unknown",
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
