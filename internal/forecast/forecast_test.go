package forecast_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/forecast"
)

const tick = 5 * time.Second

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tolerance)
	}
}

func TestRate(t *testing.T) {
	var r forecast.Rate
	if got, over := r.Now(); got != 0 || over != 0 {
		t.Errorf("before any count: %v over %v", got, over)
	}
	at := time.Duration(0)
	for ; at <= 6*time.Minute; at += tick {
		r = r.Add(at, 6*5)
	}
	got, over := r.Now()
	if near(t, "steady: Now()", got, 6, 1e-9); over != 320*time.Second {
		t.Errorf("over %v, want the longest window", over)
	}
	r.Dispersion = 1
	for _, want := range []float64{6 + 15.0/320, 6 + 30.0/80, 6 + 45.0/40, 0, 0, 0, 0, 0, 9} {
		r = r.Add(at, 9*5)
		at += tick
		r.Dispersion = 1
		if got, _ := r.Now(); want > 0 {
			near(t, "after the jump: Now()", got, want, 1e-9)
		} else if got < 7.1 {
			t.Errorf("%v, want more than after 15 s", got)
		}
	}
	before := r
	for _, bad := range []forecast.Rate{r.Add(at-time.Hour, 3), r.Add(at, math.NaN()), r.Add(at, -1)} {
		if diff := cmp.Diff(before, bad); diff != "" {
			t.Errorf("a count that cannot be changed it: %s", diff)
		}
	}
}

// Poisson arrivals are found to have a dispersion of 1, and their rate is rarely taken
// for another.

// With scrapes of 15 s one interval is a rate, and not only from the second on.
func TestRateOfOneInterval(t *testing.T) {
	r := forecast.Rate{}.Add(0, 0).Add(15*time.Second, 300)
	if got, over := r.Now(); got != 20 || over != 15*time.Second {
		t.Errorf("Now() = %v over %v, want 20 over 15 s", got, over)
	}
	if got, _ := r.Add(30*time.Second, 300).Now(); got != 20 {
		t.Errorf("Now() = %v, want 20", got)
	}
}

func TestRateOfChance(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var r forecast.Rate
	next, off, n := 0.0, 0, 0
	for at := time.Duration(0); at < 3*time.Hour; at += tick {
		arrivals := 0.0
		for ; next < at.Seconds(); next += random.ExpFloat64() / 4 {
			arrivals++
		}
		r = r.Add(at, arrivals)
		if got, _ := r.Now(); at > 10*time.Minute {
			n++
			if math.Abs(got-4) > 1 {
				off++
			}
		}
	}
	near(t, "Dispersion", r.Dispersion, 1, 0.35)
	if off*20 > n {
		t.Errorf("the rate of 4 per second was off by more than 1 in %d of %d ticks", off, n)
	}
}

// A scrape a minute leaves the windows of a minute and more.
func TestSlowCounts(t *testing.T) {
	var r forecast.Rate
	for at := time.Duration(0); at <= 20*time.Minute; at += time.Minute {
		r = r.Add(at, 120)
	}
	got, over := r.Now()
	if near(t, "Now()", got, 2, 1e-9); over != 320*time.Second {
		t.Errorf("over %v", over)
	}
}

func TestPower(t *testing.T) {
	for _, level := range []float64{0, 0.01, 1, 4, 81, 1e6} {
		near(t, "Power", forecast.Power(level), math.Pow(level, 0.75), 1e-9*math.Pow(level, 0.75))
		near(t, "Level", forecast.Level(math.Pow(level, 0.75)), level, 1e-9*level)
	}
	if forecast.Power(math.NaN()) != 0 || forecast.Level(math.NaN()) != 0 || forecast.Level(-1) != 0 {
		t.Error("what is no level has none")
	}
}

// INV-3, and the weight of what is believed: half an hour.
func TestRises(t *testing.T) {
	var r forecast.Rises
	sum, jumps := 0.0, 0.0
	for _, o := range r.Within(100*time.Second, nil) {
		if sum += o.Share; o.Rise > 0.25 {
			jumps += o.Share
		}
	}
	near(t, "shares", sum, 1, 1e-9)
	near(t, "believed jumps", jumps, 0.025, 1e-9)
	for range 360 {
		r = r.Learn(0, tick)
	}
	for range 20 {
		r = r.Learn(1.1, tick)
	}
	sum, jumps = 0, 0
	for _, o := range r.Within(100*time.Second, nil) {
		if sum += o.Share; o.Rise > 1 {
			jumps += o.Share
		}
	}
	near(t, "shares", sum, 1, 1e-9)
	near(t, "seen jumps", jumps, 100.0/(1800+1800+100), 0.001)
}

// levels is a history that rises from 2 to 6 at every hour, 6 minutes long, a little
// early or late.
func levels(hours int, jitter float64) forecast.History {
	random := rand.New(rand.NewPCG(1, 2))
	var h forecast.History
	shift := 0.0
	for at := time.Duration(0); at < time.Duration(hours)*time.Hour; at += tick {
		s := math.Mod(at.Seconds(), 3600)
		if s < 5 {
			shift = jitter * (2*random.Float64() - 1)
		}
		level := 2.0
		if s > 1800+shift && s < 2160+shift {
			level = 6
		}
		h = h.Add(at, level)
	}
	return h
}

func TestSeason(t *testing.T) {
	h := levels(3, 10)
	s := forecast.Season{Period: time.Hour}
	const lead, jitter = 100 * time.Second, 20 * time.Second
	for at := 65 * time.Minute; at < 179*time.Minute; at += 20 * time.Second {
		s = s.Learn(&h, at, lead, jitter, 20*time.Second)
	}
	if s.Skill() < 0.7 || s.Weight() < 0.7 {
		t.Errorf("skill %v, weight %v", s.Skill(), s.Weight())
	}
	for _, c := range []struct {
		after time.Duration
		want  float64
	}{{10 * time.Minute, 0}, {29 * time.Minute, 4}, {33 * time.Minute, 0}, {35 * time.Minute, -4}} {
		rise, ok := s.Rise(&h, 3*time.Hour+c.after, lead, jitter)
		if near(t, "Rise after "+c.after.String(), rise, c.want, 0.5); !ok {
			t.Error("it is not known")
		}
		most, ok := s.Most(&h, 3*time.Hour+c.after, lead, jitter)
		if near(t, "Most after "+c.after.String(), most, max(c.want, 0), 0.5); !ok {
			t.Error("it is not known")
		}
	}
}

// INV-4: chance has no season.
func TestNoSeason(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h forecast.History
	s := forecast.Season{Period: time.Hour}
	level := 4.0
	for at := time.Duration(0); at < 12*time.Hour; at += 20 * time.Second {
		level = max(1, level+0.05*random.NormFloat64())
		h = h.Add(at, level)
		s = s.Learn(&h, at-time.Minute, 100*time.Second, 20*time.Second, 20*time.Second)
		if w := s.Weight(); w > 0 && at > 3*time.Hour {
			t.Fatalf("a random walk has a season of weight %v, skill %v, after %v", w, s.Skill(), at)
		}
	}
	if got := (forecast.Season{}).Weight(); got != 0 {
		t.Errorf("no season: weight %v", got)
	}
}

func TestSearch(t *testing.T) {
	h := levels(3, 5)
	var s forecast.Search
	for range 1000 {
		var found time.Duration
		if s, found = s.Look(&h, 16); found > 0 {
			near(t, "found, in minutes", found.Minutes(), 60, 0.34)
			return
		}
	}
	t.Error("the hour was not found")
}

// What is older is kept more coarsely, and two weeks are kept.
func TestHistory(t *testing.T) {
	var h forecast.History
	for at := time.Duration(0); at < 15*24*time.Hour; at += time.Minute {
		h = h.Add(at, math.Floor(at.Hours()/24)) // the day
	}
	now := 15 * 24 * time.Hour
	for _, days := range []int{1, 2, 7, 13} {
		got, ok := h.Peak(now-time.Duration(days)*24*time.Hour, now-time.Duration(days)*24*time.Hour+time.Minute)
		if near(t, "Peak", got, float64(15-days), 0); !ok {
			t.Errorf("%d days ago is not known", days)
		}
	}
	if _, ok := h.Peak(now-16*24*time.Hour, now-16*24*time.Hour); ok {
		t.Error("16 days ago is known")
	}
	if _, ok := h.Peak(now, now+time.Hour); ok {
		t.Error("the future is known")
	}
	gap := h.Add(now+time.Hour, 3) // nothing was known for an hour
	if _, ok := gap.Peak(now+10*time.Minute, now+20*time.Minute); ok {
		t.Error("what was not seen is known")
	}
}

// Two weeks of levels as they are, with all their digits, are less than a third of what a state
// may take, and each is kept to 0.4 %.
func TestHistoryIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h forecast.History
	for at := time.Duration(0); at < 15*24*time.Hour; at += 20 * time.Second {
		h = h.Add(at, 100*random.Float64())
	}
	text, err := json.Marshal(h)
	if err != nil || len(text) > 20<<10 {
		t.Errorf("%d bytes, %v; want at most 20 KiB", len(text), err)
	}
	for _, level := range []float64{0, 1e-9, 0.123456789, 3.3437016, 256, 999999.9, 9e11} {
		var one forecast.History
		one = one.Add(0, level).Add(20*time.Second, 0)
		if got, ok := one.Peak(0, 19*time.Second); !ok || math.Abs(got-level) > 0.004*level {
			t.Errorf("Add(%v) is kept as %v, %v", level, got, ok)
		}
	}
}

// INV-5: adding to a history, a rate or rises leaves what they were made of alone.
func TestValues(t *testing.T) {
	h := levels(1, 0)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	a, b := h, h
	for i := range 300 {
		a = a.Add(time.Hour+time.Duration(i)*tick, 1)
		b = b.Add(time.Hour+time.Duration(i)*tick, 9)
	}
	again, _ := json.Marshal(h)
	if string(again) != string(text) {
		t.Error("Add changed the history it was called on")
	}
	if x, _ := a.Peak(70*time.Minute, 71*time.Minute); x != 1 {
		t.Errorf("two continuations share a level: %v", x)
	}
	var back forecast.History
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, back); diff != "" {
		t.Errorf("-written +read\n%s", diff)
	}
}
