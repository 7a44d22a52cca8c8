package drain

import (
	"math"
	"strings"
	"testing"
	"time"
)

// atMost30 waits 5 s for routers and 2 s for silence, 30 s in all.
func atMost30() Config {
	return Config{Settle: 5 * time.Second, Quiet: 2 * time.Second, Bound: 30 * time.Second}
}

func TestDrain(t *testing.T) {
	type step struct {
		second int
		r      Reading
		want   Phase
	}
	idle, busy, blind := Reading{Measured: true}, Reading{Measured: true, InFlight: 2}, Reading{}
	for name, steps := range map[string][]step{
		"a stream ends": { // the worked example
			{0, busy, Settling},
			{5, busy, Busy},
			{11, idle, Quieting},
			{12, idle, Quieting},
			{13, idle, Drained},
			{14, busy, Drained}, // it has gone (INV-4)
		},
		"idle from the start": {{0, idle, Settling}, {4, idle, Settling}, {5, idle, Quieting}, {7, idle, Drained}},
		"a late request":      {{5, idle, Quieting}, {6, busy, Busy}, {7, idle, Quieting}, {8, idle, Quieting}, {9, idle, Drained}},
		"gauges missing once": {{5, idle, Quieting}, {7, blind, Blind}, {8, idle, Quieting}, {10, idle, Drained}},
		"gauges missing":      {{5, blind, Blind}, {29, blind, Blind}, {30, blind, Overdue}, {31, idle, Overdue}},
		"an endless stream":   {{5, busy, Busy}, {29, busy, Busy}, {30, busy, Overdue}},
		"idle at the bound":   {{28, idle, Quieting}, {30, idle, Drained}},
		"idle too late":       {{29, idle, Quieting}, {30, idle, Overdue}},
		"one late look":       {{40, idle, Overdue}},
		"the clock runs back": {{5, idle, Quieting}, {1, idle, Quieting}, {7, idle, Drained}},
	} {
		const began = 1000 * time.Second
		d, err := Begin(atMost30(), began)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			got := d.Step(began+time.Duration(s.second)*time.Second, s.r)
			if got != s.want || got.MayGo() != (s.want == Drained || s.want == Overdue) {
				t.Errorf("%s: Step(%d s, %+v) = %v, want %v", name, s.second, s.r, got, s.want)
			}
		}
	}
}

// TestCutAtOnce: the zero value ends a drain at its first step.
func TestCutAtOnce(t *testing.T) {
	for reading, want := range map[Reading]Phase{{Measured: true}: Drained, {Measured: true, InFlight: 1}: Overdue, {}: Overdue} {
		d, err := Begin(Config{}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Step(time.Hour, reading); got != want {
			t.Errorf("Step(%+v) = %v, want %v", reading, got, want)
		}
	}
}

// TestDrainOverAllTime: a clock from one end of time to the other ends it (INV-6).
func TestDrainOverAllTime(t *testing.T) {
	d, err := Begin(atMost30(), math.MinInt64)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Step(math.MaxInt64, Reading{}); got != Overdue {
		t.Errorf("Step = %v, want overdue", got)
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // "" is valid
	}{
		"fits":              {func(*Config) {}, ""},
		"no waiting":        {func(c *Config) { c.Settle, c.Quiet, c.Bound = 0, 0, 1 }, ""},
		"negative settle":   {func(c *Config) { c.Settle = -1 }, "must not be negative"},
		"negative quiet":    {func(c *Config) { c.Quiet = -1 }, "must not be negative"},
		"exactly":           {func(c *Config) { c.Bound = 7 * time.Second }, ""},
		"nothing":           {func(c *Config) { *c = Config{} }, ""},
		"bound too small":   {func(c *Config) { c.Bound = 7*time.Second - 1 }, "bound is 6.9"},
		"no bound":          {func(c *Config) { c.Bound = 0 }, "bound is 0s"},
		"bound in the past": {func(c *Config) { c.Bound = math.MinInt64 }, "must not be less"},
		"giant":             {func(c *Config) { c.Settle, c.Quiet = math.MaxInt64-1, math.MaxInt64-1 }, "must not be less"},
	} {
		c := atMost30()
		test.change(&c)
		_, err := Begin(c, 0)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Begin = %v, want %q", name, err, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for v := Phase(-1); v <= numPhases; v++ {
		s := v.String()
		if s == "" || seen[s] && s != "invalid" {
			t.Errorf("phase %d is %q", int(v), s)
		}
		seen[s] = true
	}
}
