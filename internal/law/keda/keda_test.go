package keda

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// metric is what the examples read.
const metric = reading.Signal(1 << 10)

// A step is a reading that both loops see from then on, and what is asked for when
// they have.
type step struct {
	r    reading.Reading
	want int
}

// run polls and syncs every 30 s, the sync 10 s after the poll.
func run(c Law, from int, steps []step) (got []int) {
	c.HPA.SyncPeriod = 30 * time.Second
	var state law.State
	desired := from
	for i, s := range steps {
		for _, offset := range []time.Duration{0, 10 * time.Second} {
			in := lawtest.See(time.Duration(i)*30*time.Second+offset, desired, nil)
			in.Phase = 10 * time.Second
			in.Readings.Add(metric).Total = s.r
			var out law.Output
			state, out = c.Step(state, in)
			desired = out.Replicas
		}
		got = append(got, desired)
	}
	return got
}

func single() Law {
	c := Law{Triggers: []Trigger{{Name: "m", Signal: metric, Threshold: 5}}}.Defaults()
	c.HPA.Behavior = &hpa.Behavior{Up: c.HPA.DefaultUp(), Down: c.HPA.DefaultDown()}
	c.HPA.Behavior.Down.Window, c.Cooldown = 0, time.Minute
	return c
}

// What chain-facts §3 and §7 saw the real operator do.
func TestKEDAAsObserved(t *testing.T) {
	failed, empty := reading.Failed(0), reading.Reading{}
	one := func(v float64) reading.Reading { return reading.New(v, 0) }
	for _, c := range []struct {
		name  string
		set   func(*Law)
		from  int
		steps []step
	}{
		{"empty scales in, and to zero after the cooldown", func(*Law) {}, 0,
			[]step{{one(12), 3}, {empty, 1}, {empty, 0}, {empty, 0}}},
		{"an empty answer that is an error holds", func(c *Law) { c.Triggers[0].KeepNull = true }, 0,
			[]step{{one(12), 3}, {empty, 3}, {empty, 3}, {empty, 3}, {one(0), 0}}},
		{"NaN is an empty answer", func(*Law) {}, 0, []step{{one(12), 3}, {reading.New(zero/zero, 0), 1}}},
		{"errors hold", func(*Law) {}, 4, []step{{one(20), 4}, {failed, 4}, {failed, 4}, {failed, 4}}},
		{"two series hold", func(*Law) {}, 4, []step{{one(20), 4}, {reading.Reading{Quality: reading.Contradictory}, 4}}},
		{"never active: to zero at once", func(*Law) {}, 4, []step{{one(0), 0}}},
		{"the activation value is not enough", func(c *Law) { c.Triggers[0].Activation = 1 }, 0,
			[]step{{one(1), 0}, {one(1.5), 1}}},
		{"force activation wakes without a metric", func(c *Law) { c.ForceActivation, c.Min = true, 3 }, 0,
			[]step{{empty, 3}, {empty, 3}}},
		{"fallback wakes from zero, then its replicas", func(c *Law) { c.Fallback = &Fallback{Failures: 1, Replicas: 4} }, 0,
			[]step{{failed, 0}, {failed, 4}, {failed, 4}}},
		{"fallback of 0 replicas scales to zero on errors", func(c *Law) { c.Fallback = &Fallback{Failures: 3} }, 2,
			[]step{{failed, 0}}},
		{"fallback with a Value target divides by the ready pods",
			func(c *Law) { c.Triggers[0].Target, c.Fallback, c.Min = hpa.Value, &Fallback{Replicas: 4}, 1 }, 2,
			[]step{{failed, 4}}},
		{"fallback to the more", func(c *Law) {
			c.Fallback, c.Min = &Fallback{Replicas: 3, Behavior: FallbackCurrentIfHigher}, 1
		}, 5, []step{{one(25), 5}, {failed, 5}, {one(5), 1}, {failed, 3}}},
		{"idle at 0 replicas", func(c *Law) { c.Idle, c.Min = new(0), 2 }, 0,
			[]step{{one(3), 2}, {one(0), 2}, {one(0), 0}, {one(0.5), 2}}},
		{"more idle replicas than 0 are undone by the HPA", func(c *Law) { c.Idle, c.Min = new(1), 2 }, 1,
			[]step{{one(3), 2}, {one(0), 2}, {one(0), 2}}},
		{"below the minimum while inactive", func(c *Law) { c.Min = 2 }, 1, []step{{one(0), 2}}},
	} {
		cfg := single()
		c.set(&cfg)
		var want []int
		for _, s := range c.steps {
			want = append(want, s.want)
		}
		diff(t, c.name, run(cfg, c.from, c.steps), want)
	}
}

var zero float64

// A formula sees all triggers by name; a fallback needs a whole target.
func TestFormulaOfTriggers(t *testing.T) {
	c := single()
	double := Formula{Op: OpMultiply, Args: []Formula{{Op: OpTrigger, Name: "m"}, {Op: OpInt, Int: 2}}}
	c.Min, c.Modifiers = 1, &Modifiers{Formula: double, Target: 4}
	steps := []step{{reading.New(10, 0), 5}, {reading.Failed(0), 5}}
	diff(t, "a failing trigger fails the formula", run(c, 1, steps), []int{5, 5})
	c.Fallback = &Fallback{Replicas: 3}
	diff(t, "fallback", run(c, 1, []step{{reading.Failed(0), 3}}), []int{3})
	c.Modifiers.Target = 1.5
	diff(t, "a target that is not whole disables the fallback", run(c, 1, []step{{reading.Failed(0), 1}}), []int{1})
	c.Modifiers = &Modifiers{Formula: Formula{Op: OpTrigger, Name: "m"}, Target: 4}
	c.Fallback.Behavior = FallbackModifiers
	diff(t, "a formula without a result falls back", run(c, 1, []step{{reading.Failed(0), 3}}), []int{3})
}

// With useCachedMetrics the HPA is told what the last poll read.
func TestCached(t *testing.T) {
	c := single()
	c.Triggers[0].Cached, c.Min = true, 1
	see := func(at time.Duration, v float64) law.Input {
		in := lawtest.See(at, 1, lawtest.Totals{metric: v})
		in.Phase = 10 * time.Second
		return in
	}
	state, _ := c.Step(nil, see(0, 10))
	_, out := c.Step(state, see(10*time.Second, 40))
	if out.Replicas != 2 {
		t.Errorf("%+v, want the 2 replicas of the cached value", out)
	}
}

func TestKEDAWorkedExample(t *testing.T) {
	c := Law{Triggers: []Trigger{{Signal: metric, Threshold: 5}}}.Defaults()
	c.Max = 10
	c.HPA.Behavior = &hpa.Behavior{Up: c.HPA.DefaultUp(), Down: c.HPA.DefaultDown()}
	value := func(now time.Duration) lawtest.Totals {
		if now >= 30*time.Second && now < time.Minute {
			return lawtest.Totals{metric: 12}
		}
		return lawtest.Totals{metric: 0}
	}
	got := lawtest.Run{Phase: 20 * time.Second, Until: 400 * time.Second, Totals: value}.Step(c)
	diff(t, "changes", got, []lawtest.Change{{At: 30 * time.Second, Replicas: 1}, {At: 35 * time.Second, Replicas: 3}, {At: 330 * time.Second, Replicas: 0}})
}

func TestProductionStackWorkedExample(t *testing.T) {
	made, err := ProductionStackSpec().Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, out := made.Law.Step(nil, lawtest.See(15*time.Second, 1, lawtest.Totals{reading.Waiting: 12}))
	if out.Replicas != 3 {
		t.Errorf("%+v, want 3 replicas", out)
	}
}

// At zero there is no series to read; while replicas start there is none either. The
// floor raises the minimum at once, also while it is polled; it is gone as it came.
func TestFloor(t *testing.T) {
	c := Law{Triggers: []Trigger{{Signal: metric, Threshold: 4, KeepNull: true}}}.Defaults()
	c.Max = 8
	var state law.State
	desired := 0
	for _, s := range []struct {
		at    time.Duration
		floor int
		value float64 // none if negative
		want  int
	}{
		{0, 0, -1, 0}, {12 * time.Second, 3, -1, 3}, {42 * time.Second, 3, -1, 3}, {57 * time.Second, 5, -1, 5},
		{72 * time.Second, 5, 9, 5}, {100 * time.Second, 0, 9, 3}, {130 * time.Second, 0, 0, 3}, {460 * time.Second, 0, 0, 0},
	} {
		in := lawtest.See(s.at, desired, nil)
		in.Floor = s.floor
		if s.value >= 0 {
			in.Readings.Add(metric).Total = reading.New(s.value, s.at)
		}
		var out law.Output
		state, out = c.Step(state, in)
		if out.Replicas != s.want || !out.Floored {
			t.Errorf("at %v with a floor of %d: %+v, want %d", s.at, s.floor, out, s.want)
		}
		desired = out.Replicas
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		FallbackModifiers.String(): "scalingModifiers", FallbackBehavior(9).String(): "unknown", OpElse.String(): "??", OpMap.String(): "map", Op(-1).String(): "unknown",
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}
