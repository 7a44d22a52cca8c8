package capacity

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// 3.2 per second at most: for 95 % the rate must be 0.77/s less, and 0.96/s where half of the
// answers are three times as long as the others.
func TestQueueing(t *testing.T) {
	r := Replica{Costs{Step: 0.01, Prompt: 39e-6, Sequence: 1e-9, Context: 1e-12}, Mix{Prompt: 1000, Spread: 1, Output: 200, Context: 1100}, Limits{TTFT: 2 * time.Second, TPOT: time.Second, CacheTokens: 1e9, BatchTokens: 1e9}}
	for _, c := range []struct {
		answers []Share
		share   float64
		want    float64
	}{{nil, 0.95, 2.43}, {[]Share{{100, 0.5}, {300, 0.5}}, 0.95, 2.24}, {nil, 0.5, 3.02}, {nil, 0.999999, 1.6}, {nil, 0, 3.2}} {
		r.Mix.Answers = c.answers
		if got := r.queueing(3.2, c.share); math.Abs(got-c.want) > 0.005 {
			t.Errorf("%v of answers %v: %.3f per second, want %.2f", c.share, c.answers, got, c.want)
		}
	}
	r.Limits.TTFT = time.Millisecond
	if got := r.queueing(3.2, 0.95); got != 1.6 {
		t.Errorf("without time to wait: %v, want half of it", got)
	}
}

// 90 requests in 20 s of engines that were full are 4.5 per second, give or take a tenth.
func TestFull(t *testing.T) {
	var f Full
	for range 4 {
		f = f.Add(Full{5 * time.Second, 23, 22, 32, 0, 0})
	}
	rate, deviation, known := f.Rate()
	if !known || math.Abs(rate-4.6) > 0.01 || math.Abs(deviation-0.117) > 0.002 {
		t.Errorf("Rate() = %.3f, %.4f, %v, want 4.6, 0.117, true", rate, deviation, known)
	}
	if !f.Below(12) || f.Below(5) {
		t.Errorf("Below(12) = %v, Below(5) = %v, want true and false: it may be chance", f.Below(12), f.Below(5))
	}
	if _, _, known := f.Add(Full{Free: 10 * time.Second}).Rate(); known {
		t.Error("still known after half as long in which engines let requests wait without being full")
	}
	if _, _, known := f.Fade(24 * time.Hour).Rate(); !known {
		t.Error("not known any more after a day in which no engine was full")
	}
	for range 7 {
		f = f.Fade(24 * time.Hour)
	}
	if _, _, known := f.Rate(); known {
		t.Error("still known after a week in which no engine was full")
	}
}

// More than full engines ran: none was full, and something else had requests wait.
func TestMoreThanFull(t *testing.T) {
	f := Full{20 * time.Second, 92, 88, 32, time.Second, time.Minute}
	if got := f.Up(32); got != f {
		t.Errorf("after 32 sequences %+v, want %+v", got, f)
	}
	if got, want := f.Up(40), (Full{Free: 21 * time.Second, Age: time.Minute}); got != want {
		t.Errorf("after 40 sequences %+v, want %+v", got, want)
	}
}

// 16 at a time, 200 tokens each in steps of 20 ms and 0.8 ms for each that runs: 16/(199·32.8 ms).
func TestCrowded(t *testing.T) {
	r := Replica{Costs: Costs{Step: 0.02, Prompt: 1e-12, Sequence: 8e-4, Context: 1e-15}, Mix: Mix{Prompt: 1, Output: 200, Context: 1}}
	f := Full{100 * time.Second, 300, 300, 16, 0, 0}
	if most, _, less := r.crowded(f, 5); most != 3 || !less {
		t.Errorf("lately: %.3f, %v, want what was counted, 3, true", most, less)
	}
	if most, _, less := r.crowded(f.Fade(time.Hour), 5); math.Abs(most-2.451) > 0.001 || !less {
		t.Errorf("an hour later: %.3f, %v, want 2.451, true", most, less)
	}
	if most, _, less := r.crowded(f.Fade(time.Hour), 2.5); less {
		t.Errorf("%.3f is less than 2.5, want as much, but for chance", most)
	}
	if _, _, less := r.crowded(Full{}, 5); less {
		t.Error("no engine was full, and does less than 5")
	}
}

// What full engines served is taken where it contradicts the costs.
func TestEstimateOfFullEngines(t *testing.T) {
	f := Full{20 * time.Second, 92, 88, 32, 0, 0}
	r := Replica{
		Costs{Step: 13.6e-3, Prompt: 51e-6, Sequence: 53e-6, Context: 43e-9}, Mix{Prompt: 400, Spread: 1, Output: 100, Context: 450},
		Limits{TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond, CacheTokens: 1e9, BatchTokens: 8192},
	}
	e := Engine{Prior: Known(r.Costs), Mix: r.Mix, Limits: r.Limits}
	alone := e.Estimate(0.95)
	e.Full = f
	got := e.Estimate(0.95)
	if alone.PerSecond < 10 || math.Abs(got.PerSecond-4.09) > 0.01 || got.Capacity > 4.6 || got.Low > 3.5 || got.High < 4.6 || got.High > 6 {
		t.Errorf("by costs %+v, with engines that were full %+v", alone, got)
	}
	e.Full = Full{20 * time.Second, 900, 900, 200, 0, 0}
	if diff := cmp.Diff(alone, e.Estimate(0.95)); diff != "" {
		t.Errorf("more than can be served within the objectives contradicts nothing: -want +got\n%s", diff)
	}
}
