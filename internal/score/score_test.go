package score_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/score"
)

var objectives = []score.Objective{
	{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second},
	{Metric: score.TPOT, Quantile: .9, Target: 100 * time.Millisecond},
}

// Four requests: one good, one late, one slow, one both. Two replicas of two GPUs for
// half an hour, one of them draining for the second half.
func Example() {
	r := score.NewRecorder(score.Terms{Objectives: objectives, GPUsPerReplica: 2, PricePerHour: 3})
	r.Fleet(0, score.Fleet{Wanted: 2, Ready: 2})
	r.Fleet(15*time.Minute, score.Fleet{Wanted: 1, Ready: 1, Draining: 1})
	for _, q := range []struct{ first, gap time.Duration }{
		{time.Second, 50 * time.Millisecond},
		{4 * time.Second, 50 * time.Millisecond},
		{time.Second, 150 * time.Millisecond},
		{4 * time.Second, 150 * time.Millisecond},
	} {
		r.Request(score.Request{First: q.first, Last: q.first + 10*q.gap, Output: 11})
	}
	res := r.Result(30 * time.Minute)
	fmt.Printf("attainment %.2f, published %.2f\n", res.Attainment, res.AttainmentPublished)
	fmt.Printf("%.1f GPU-hours, cost %.0f, average replicas %.1f\n", res.GPUHours, res.Cost, res.AverageReplicas)
	// Output:
	// attainment 0.25, published 0.00
	// 2.0 GPU-hours, cost 6, average replicas 1.5
}

// INV-1, INV-2 and INV-5, on random runs.
func TestCounts(t *testing.T) {
	for seed := range uint64(200) {
		run := func() score.Result {
			random := rand.New(rand.NewPCG(seed, 1))
			r := score.NewRecorder(score.Terms{Objectives: objectives, GPUsPerReplica: 1})
			for at := time.Duration(0); at < time.Hour; at += time.Duration(random.Int64N(int64(time.Minute))) {
				q := score.Request{Arrival: at, Output: random.IntN(5), Aborted: random.IntN(9) == 0}
				q.First = at + time.Duration(random.Int64N(int64(6*time.Second)))
				q.Last = q.First + time.Duration(random.Int64N(int64(time.Second)))
				r.Request(q)
				r.Fleet(at, score.Fleet{Wanted: random.IntN(4), Ready: random.IntN(4), Starting: random.IntN(2)})
			}
			return r.Result(time.Hour)
		}
		res := run()
		if diff := cmp.Diff(res, run()); diff != "" {
			t.Fatalf("seed %d: twice the same run: %s", seed, diff)
		}
		for _, o := range res.Objectives {
			if res.Attainment > o.Share+1e-12 || o.Share > float64(res.Completed())/float64(res.Requests)+1e-12 {
				t.Errorf("seed %d: attainment %v, but %v is met by %v; %d of %d aborted", seed, res.Attainment, o.Objective, o.Share, res.Aborted, res.Requests)
			}
		}
		if res.Attainment < 0 || res.Attainment > 1 || res.AttainmentPublished > res.Attainment+1e-12 || res.WorstFiveMinutes > 1 {
			t.Errorf("seed %d: attainment %v, published %v, worst %v", seed, res.Attainment, res.AttainmentPublished, res.WorstFiveMinutes)
		}
	}
}

// INV-3: starting, ready and draining replicas cost, pending ones do not.
func TestGPUHours(t *testing.T) {
	r := score.NewRecorder(score.Terms{GPUsPerReplica: 4})
	r.Fleet(0, score.Fleet{Wanted: 5, Pending: 5})
	r.Fleet(time.Hour, score.Fleet{Wanted: 5, Pending: 2, Starting: 3})
	r.Fleet(2*time.Hour, score.Fleet{Wanted: 0, Ready: 1, Draining: 2})
	res := r.Result(3 * time.Hour)
	if res.GPUHours != 4*(0+3+3) || res.AverageReplicas != (5+5+1)/3. || res.AverageReady != 1/3. {
		t.Errorf("GPU-hours %v, average %v, ready %v; want 24, 11/3, 1/3", res.GPUHours, res.AverageReplicas, res.AverageReady)
	}
}

func TestMovement(t *testing.T) {
	r := score.NewRecorder(score.Terms{Objectives: objectives[:1], GPUsPerReplica: 1, ColdStart: time.Minute})
	for _, c := range []struct {
		at     time.Duration
		wanted int
	}{{0, 1}, {5 * time.Minute, 4}, {9 * time.Minute, 2}, {10 * time.Minute, 3}, {11 * time.Minute, 2}, {40 * time.Minute, 3}} {
		r.Fleet(c.at, score.Fleet{Wanted: c.wanted, Waiting: 7 - c.wanted})
	}
	for i := range 100 { // late ones between 3:00 and 4:40
		at := time.Duration(i) * 10 * time.Second
		q := score.Request{Arrival: at, First: at + time.Second, Last: at + time.Second, Output: 1}
		if at >= 3*time.Minute && at < 280*time.Second {
			q.First += 5 * time.Second
		}
		r.Request(q)
	}
	checkMovement(t, r.Result(time.Hour))
}

func checkMovement(t *testing.T, res score.Result) {
	t.Helper()
	if res.ScaleEvents != 5 || res.Thrash != 1 || res.Reaction != 2*time.Minute || res.PeakWaiting != 6 {
		t.Errorf("%d events, thrash %d, reaction %v, peak %d; want 5, 1 (2 → 3 within a cold start after 4 → 2), 2m, 6",
			res.ScaleEvents, res.Thrash, res.Reaction, res.PeakWaiting)
	}
	if want := 20. / 30; math.Abs(res.WorstFiveMinutes-want) > 1e-9 {
		t.Errorf("worst five minutes %v, want %v: 10 of 30 were late", res.WorstFiveMinutes, want)
	}
	if res.Latency[score.TTFT].P99 != 6*time.Second || res.Latency[score.TTFT].P50 != time.Second || !res.Objectives[0].Met() {
		t.Errorf("TTFT %+v, %+v", res.Latency[score.TTFT], res.Objectives)
	}
}

func TestEmptyRun(t *testing.T) {
	res := score.NewRecorder(score.Terms{Objectives: objectives}).Result(0)
	if res.Attainment != 0 || res.AverageReplicas != 0 || res.WorstFiveMinutes != 0 || res.Objectives[0].Met() {
		t.Errorf("a run of nothing: %+v", res)
	}
}

// Ten requests under two objectives at p80: nine are fast and seven flow, six do both. One
// of the six was aborted and meets neither: eight and six are left, and five of both, which
// is what counts.
func TestServed(t *testing.T) {
	both := []score.Objective{
		{Metric: score.TTFT, Quantile: .8, Target: time.Second}, {Metric: score.TPOT, Quantile: .8, Target: 100 * time.Millisecond},
	}
	r := score.NewRecorder(score.Terms{Objectives: both})
	for i := range 10 {
		q := score.Request{First: 500 * time.Millisecond, Output: 11, Aborted: i == 5}
		if i == 9 {
			q.First = 3 * time.Second
		}
		gap := 50 * time.Millisecond
		if i >= 6 && i < 9 {
			gap = time.Duration(i) * 50 * time.Millisecond
		}
		if q.Last = q.First + 10*gap; q.Aborted {
			q.Why = "cut"
		}
		r.Request(q)
	}
	res := r.Result(time.Minute)
	want := []score.Served{{both[0], .8, 500 * time.Millisecond}, {both[1], .6, 350 * time.Millisecond}}
	if diff := cmp.Diff(want, res.Objectives, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("Objectives -want +got\n%s", diff)
	}
	if !res.Objectives[0].Met() || res.Objectives[1].Met() || res.Attainment != .5 || res.Completed() != 9 {
		t.Errorf("%+v, attainment %v, want 0.5 of 9 completed", res.Objectives, res.Attainment)
	}
	if mean := res.Latency[score.TTFT].Mean; mean.Round(time.Millisecond) != 778*time.Millisecond {
		t.Errorf("mean TTFT %v, want 778ms of those that were answered", mean)
	}
}

// What aborted requests is counted by name, and a quantile among them is endless.
func TestAborts(t *testing.T) {
	r := score.NewRecorder(score.Terms{Objectives: objectives[:1]})
	for _, why := range []string{"expired", "cut", "", "expired"} {
		r.Request(score.Request{Aborted: true, Why: why})
	}
	r.Request(score.Request{First: time.Second, Last: time.Second, Output: 1})
	res := r.Result(time.Minute)
	if diff := cmp.Diff([]score.Abort{{"", 1}, {"cut", 1}, {"expired", 2}}, res.Aborts); diff != "" || res.Aborted != 4 {
		t.Errorf("%d aborted, -want +got\n%s", res.Aborted, diff)
	}
	if o := res.Objectives[0]; o.AtQuantile != score.Endless || o.Met() || math.Abs(o.Share-.2) > 1e-9 {
		t.Errorf("%+v, want an endless quantile and a share of 0.2", o)
	}
}

// INV-4.
func TestFrontier(t *testing.T) {
	front := score.Frontier([]score.Point{
		{"dear", .9, 30}, {"best", .99, 20}, {"cheap", .8, 10}, {"same cost, worse", .7, 10}, {"twin", .8, 10}, {"worse", .85, 21},
	})
	want := []score.Point{{"cheap", .8, 10}, {"best", .99, 20}}
	if diff := cmp.Diff(want, front); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, c := range []struct {
		p    score.Point
		want float64
		ok   bool
	}{
		{score.Point{Attainment: .895, GPUHours: 30}, 1, true}, // half way: 15 GPU-hours
		{score.Point{Attainment: .5, GPUHours: 11}, .1, true},
		{score.Point{Attainment: .999, GPUHours: 99}, 0, false},
	} {
		if got, ok := score.Excess(c.p, front); ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Excess(%v) = %v, %v, want %v, %v", c.p, got, ok, c.want, c.ok)
		}
	}
}

func TestOver(t *testing.T) {
	if got := score.Over([]float64{1, 2, 3}); math.Abs(got.Mean-2) > 1e-9 || math.Abs(got.Half-4.303/math.Sqrt(3)) > 1e-3 {
		t.Errorf("Over(1, 2, 3) = %+v", got)
	}
	if got := score.Over([]float64{5}); got != (score.Interval{Mean: 5}) {
		t.Errorf("Over(5) = %+v", got)
	}
	if got := score.Over(nil); got != (score.Interval{}) {
		t.Errorf("Over() = %+v", got)
	}
	many := make([]float64, 121)
	many[0] = 1
	if got := score.Over(many); math.Abs(got.Half*121-1.980) > .002 { // t of 120 degrees is 1.980
		t.Errorf("t of 120 degrees = %v", got.Half*121)
	}
}

func TestParseObjective(t *testing.T) {
	for i, text := range []string{"ttft:p90:3s", "tpot:p90:100ms"} {
		if got, err := score.ParseObjective(text); got != objectives[i] || err != nil {
			t.Errorf("ParseObjective(%s) = %v, %v, want %v", text, got, err, objectives[i])
		}
	}
	if got := objectives[1].String(); got != "tpot:p90:100ms" {
		t.Errorf("String() = %s", got)
	}
	for text, want := range map[string]string{
		"ttft":           "three parts",
		"itl:p90:3s":     "none of ttft",
		"ttft:90:3s":     "quantile",
		"ttft:p0:3s":     "quantile",
		"ttft:pNaN:3s":   "quantile",
		"ttft:p101:3s":   "quantile",
		"ttft:p90:3":     "target",
		"ttft:p90:-3s":   "target",
		"ttft:p9:1s|x y": "target",
	} {
		if _, err := score.ParseObjective(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseObjective(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestPromise(t *testing.T) {
	if q, err := score.Promise(objectives); q != .9 || err != nil {
		t.Errorf("Promise(%v) = %v, %v", objectives, q, err)
	}
	for want, all := range map[string][]score.Objective{
		"no objective": nil,
		"objectives ttft:p90:3s and ttft:p90:2s are both of ttft":            {objectives[0], {Metric: score.TTFT, Quantile: .9, Target: 2 * time.Second}},
		"objectives ttft:p90:3s and tpot:p99:100ms promise different shares": {objectives[0], {Metric: score.TPOT, Quantile: .99, Target: 100 * time.Millisecond}},
	} {
		if _, err := score.Promise(all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Promise(%v) = %v, want %q", all, err, want)
		}
	}
}
