package law

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A kedaStep is a reading that both loops see from then on, and what is asked for when
// they have.
type kedaStep struct {
	r    reading.Reading
	want int
}

// runKEDA polls and syncs every 30 s, the sync 10 s after the poll.
func runKEDA(c KEDAConfig, from int, steps []kedaStep) (got []int) {
	c.HPA.FirstSync, c.HPA.SyncPeriod = 10*time.Second, 30*time.Second
	l, desired := Law(NewKEDA(c)), from
	for i, s := range steps {
		for _, offset := range []time.Duration{0, 10 * time.Second} {
			in := see(time.Duration(i)*30*time.Second+offset, desired, nil)
			in.Readings.Add(metric).Total = s.r
			var out Output
			l, out = l.Step(in)
			desired = out.Replicas
		}
		got = append(got, desired)
	}
	return got
}

func single() KEDAConfig {
	c := KEDAConfig{Triggers: []Trigger{{Name: "m", Signal: metric, Threshold: 5}}}.Defaults()
	c.Behavior = &Behavior{c.HPA.DefaultUp(), c.HPA.DefaultDown()}
	c.Behavior.Down.Window, c.Cooldown = 0, time.Minute
	return c
}

// What chain-facts §3 and §7 saw the real operator do.
func TestKEDAAsObserved(t *testing.T) {
	failed, empty := reading.Failed(0), reading.Reading{}
	one := func(v float64) reading.Reading { return reading.New(v, 0) }
	for _, c := range []struct {
		name  string
		set   func(*KEDAConfig)
		from  int
		steps []kedaStep
	}{
		{"empty scales in, and to zero after the cooldown", func(*KEDAConfig) {}, 0,
			[]kedaStep{{one(12), 3}, {empty, 1}, {empty, 0}, {empty, 0}}},
		{"an empty answer that is an error holds", func(c *KEDAConfig) { c.Triggers[0].KeepNull = true }, 0,
			[]kedaStep{{one(12), 3}, {empty, 3}, {empty, 3}, {empty, 3}, {one(0), 0}}},
		{"NaN is an empty answer", func(*KEDAConfig) {}, 0, []kedaStep{{one(12), 3}, {reading.New(zero/zero, 0), 1}}},
		{"errors hold", func(*KEDAConfig) {}, 4, []kedaStep{{one(20), 4}, {failed, 4}, {failed, 4}, {failed, 4}}},
		{"two series hold", func(*KEDAConfig) {}, 4, []kedaStep{{one(20), 4}, {reading.Reading{Quality: reading.Contradictory}, 4}}},
		{"never active: to zero at once", func(*KEDAConfig) {}, 4, []kedaStep{{one(0), 0}}},
		{"the activation value is not enough", func(c *KEDAConfig) { c.Triggers[0].Activation = 1 }, 0,
			[]kedaStep{{one(1), 0}, {one(1.5), 1}}},
		{"force activation wakes without a metric", func(c *KEDAConfig) { c.ForceActivation, c.Min = true, 3 }, 0,
			[]kedaStep{{empty, 3}, {empty, 3}}},
		{"fallback wakes from zero, then its replicas", func(c *KEDAConfig) { c.Fallback = &Fallback{Failures: 1, Replicas: 4} }, 0,
			[]kedaStep{{failed, 0}, {failed, 4}, {failed, 4}}},
		{"fallback of 0 replicas scales to zero on errors", func(c *KEDAConfig) { c.Fallback = &Fallback{Failures: 3} }, 2,
			[]kedaStep{{failed, 0}}},
		{"fallback with a Value target divides by the ready pods",
			func(c *KEDAConfig) { c.Triggers[0].Target, c.Fallback, c.Min = Value, &Fallback{Replicas: 4}, 1 }, 2,
			[]kedaStep{{failed, 4}}},
		{"fallback to the more", func(c *KEDAConfig) {
			c.Fallback, c.Min = &Fallback{Replicas: 3, Behavior: FallbackCurrentIfHigher}, 1
		}, 5, []kedaStep{{one(25), 5}, {failed, 5}, {one(5), 1}, {failed, 3}}},
		{"idle at 0 replicas", func(c *KEDAConfig) { c.Idle, c.Min = new(0), 2 }, 0,
			[]kedaStep{{one(3), 2}, {one(0), 2}, {one(0), 0}, {one(0.5), 2}}},
		{"more idle replicas than 0 are undone by the HPA", func(c *KEDAConfig) { c.Idle, c.Min = new(1), 2 }, 1,
			[]kedaStep{{one(3), 2}, {one(0), 2}, {one(0), 2}}},
		{"below the minimum while inactive", func(c *KEDAConfig) { c.Min = 2 }, 1, []kedaStep{{one(0), 2}}},
	} {
		cfg := single()
		c.set(&cfg)
		var want []int
		for _, s := range c.steps {
			want = append(want, s.want)
		}
		diff(t, c.name, runKEDA(cfg, c.from, c.steps), want)
	}
}

var zero float64

// A formula sees all triggers by name; a fallback needs a whole target.
func TestKEDAFormula(t *testing.T) {
	sum := func(v map[string]float64) (float64, bool) { return v["m"] * 2, len(v) > 0 }
	c := single()
	c.Min, c.Modifiers = 1, &Modifiers{Formula: sum, Target: 4}
	steps := []kedaStep{{reading.New(10, 0), 5}, {reading.Failed(0), 5}}
	diff(t, "a failing trigger fails the formula", runKEDA(c, 1, steps), []int{5, 5})
	c.Fallback = &Fallback{Replicas: 3}
	diff(t, "fallback", runKEDA(c, 1, []kedaStep{{reading.Failed(0), 3}}), []int{3})
	c.Modifiers.Target = 1.5
	diff(t, "a target that is not whole disables the fallback", runKEDA(c, 1, []kedaStep{{reading.Failed(0), 1}}), []int{1})
	c.Modifiers.Target, c.Fallback.Behavior = 4, FallbackModifiers
	diff(t, "a formula without a result falls back", runKEDA(c, 1, []kedaStep{{reading.Failed(0), 3}}), []int{3})
}

// With useCachedMetrics the HPA is told what the last poll read.
func TestKEDACached(t *testing.T) {
	c := single()
	c.Triggers[0].Cached, c.Min, c.HPA.FirstSync = true, 1, 10*time.Second
	l := Law(NewKEDA(c))
	l, _ = l.Step(see(0, 1, map[reading.Signal]float64{metric: 10}))
	_, out := l.Step(see(10*time.Second, 1, map[reading.Signal]float64{metric: 40}))
	if out.Replicas != 2 {
		t.Errorf("%+v, want the 2 replicas of the cached value", out)
	}
}
