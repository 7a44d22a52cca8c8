package advice_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/record"
)

const tick = 30 * time.Second

// A watch steps a tally through time.
type watch struct {
	advice.Tally
	now    time.Duration
	policy decide.Policy
}

func newWatch() *watch {
	b := law.Bounds{Min: 1, Max: 8}
	return &watch{policy: decide.Policy{Law: promise.Law{Bounds: b, Promise: .9, TTFT: 3 * time.Second, TPOT: time.Hour}, Bounds: b}}
}

// step is one in which so many ran and were advised, with what was counted since the one before.
func (w *watch) step(ran, advised int, counted law.Counted, reasons ...law.Reason) {
	w.Tally = w.Count(record.Step{
		Policy: w.policy, Input: decide.Input{Now: w.now, Fleet: lawtest.See(w.now, ran, nil).Fleet},
		Decision: decide.Decision{Replicas: advised, Reasons: reasons, Counted: counted},
	})
}

// run lets so many run, and be advised, for a time, in which requests are judged.
func (w *watch) run(ran, advised int, took time.Duration, judged law.Counted) {
	ticks := float64(took / tick)
	for range took / tick {
		w.step(ran, advised, law.Counted{}) // what was judged before
		w.now += tick
		w.step(ran, advised, law.Counted{Requests: judged.Requests / ticks, Missed: judged.Missed / ticks})
	}
}

// rounded leaves out what sums of floats differ by.
var rounded = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })

// The worked example of Count; INV-1 and INV-2.
func TestCount(t *testing.T) {
	w := newWatch()
	w.now = 10 * time.Hour
	w.run(4, 3, 90*time.Minute, law.Counted{Requests: 9000, Missed: 90})
	w.run(3, 3, 18*time.Minute, law.Counted{Requests: 1800, Missed: 90})
	w.run(3, 5, 12*time.Minute, law.Counted{Requests: 1200, Missed: 240})
	got, ok := w.Total()
	want := advice.Total{Since: 10 * time.Hour, Parts: advice.Parts{
		More:  advice.Part{Took: 90 * time.Minute, Ran: 6, Advised: 4.5, Requests: 9000, Missed: 90},
		Same:  advice.Part{Took: 18 * time.Minute, Ran: .9, Advised: .9, Requests: 1800, Missed: 90},
		Fewer: advice.Part{Took: 12 * time.Minute, Ran: .6, Advised: 1, Requests: 1200, Missed: 240},
	}}
	if diff := cmp.Diff(want, got, rounded); diff != "" || !ok {
		t.Fatalf("Total: -want +got\n%s", diff)
	}
	whole := got.Whole()
	attained, ok := whole.Attained()
	if !ok || math.Abs(attained-.965) > 1e-9 || math.Abs(whole.Ran-7.5) > 1e-9 || math.Abs(whole.Advised-6.4) > 1e-9 {
		t.Errorf("Whole = %+v, attained %v, want 7.5 and 6.4 replica-hours, .965", whole, attained)
	}
	if _, ok := (advice.Part{Took: time.Hour}).Attained(); ok {
		t.Error("without a request something was attained")
	}
}

// INV-1: neither a gap counts, nor a time in which nothing was advised, nor a clock that goes
// back; a replica that has no node, or goes, does not run.
func TestGaps(t *testing.T) {
	w := newWatch()
	w.step(4, 3, law.Counted{})
	w.now += 2 * time.Minute
	w.step(4, 3, law.Counted{Requests: 100})
	w.now -= time.Minute
	w.step(4, 4, law.Counted{Requests: 100}, law.Reason{Rule: law.RuleNoCapacity})
	w.now += tick
	w.step(4, 4, law.Counted{Requests: 100})
	if got, ok := w.Total(); ok {
		t.Errorf("Total = %+v, want none", got)
	}
	w.now += tick
	done := record.Step{Policy: w.policy, Input: decide.Input{Now: w.now}, Decision: decide.Decision{Replicas: 2}}
	done.Input.Fleet.Pods = []law.Pod{{Phase: law.PodRunning}, {Phase: law.PodRunning, Ready: true, Deleting: true}, {Phase: law.PodPending}, {Phase: law.PodFailed}}
	if w.Tally = w.Count(done); w.Last.Ran != 1 {
		t.Errorf("%d ran, want the one that has a node and stays", w.Last.Ran)
	}
}

// INV-3.
func TestDays(t *testing.T) {
	w := newWatch()
	for range 20 {
		w.now = (w.now/(24*time.Hour) + 1) * 24 * time.Hour
		w.run(2, 1, time.Hour, law.Counted{Requests: 10})
	}
	got, _ := w.Total()
	if hours := got.Whole().Took; len(w.Days) != 8 || hours != 8*time.Hour || got.Since != 13*24*time.Hour {
		t.Errorf("after 20 days: %d days, %v since %v, want 8, 8h since the 13th", len(w.Days), hours, got.Since)
	}
	before := w.Tally
	w.policy.Bounds.Max = 9 // as a schedule has it
	w.run(2, 1, tick, law.Counted{})
	if now, _ := w.Total(); now.Whole().Took != 8*time.Hour+tick {
		t.Errorf("within other bounds: %+v, want it to go on", now)
	}
	w.policy.Law = promise.Law{Promise: .95, TTFT: 3 * time.Second, TPOT: time.Hour}
	w.run(2, 1, tick, law.Counted{})
	if now, _ := w.Total(); now.Whole().Took != tick {
		t.Errorf("of another promise: %+v, want it begun anew", now)
	}
	if was, _ := before.Total(); was != got {
		t.Error("counting changed what was given")
	}
	w.policy.Law = law.Delegated{}
	w.step(2, 1, law.Counted{})
	if diff := cmp.Diff(advice.Tally{}, w.Tally); diff != "" {
		t.Errorf("of another law: %s", diff)
	}
}

// INV-4.
func TestWritten(t *testing.T) {
	w := newWatch()
	w.run(4, 3, time.Minute, law.Counted{Requests: 7, Missed: 1})
	text, err := json.Marshal(w.Tally)
	if err != nil {
		t.Fatal(err)
	}
	var back advice.Tally
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.Tally, back); diff != "" {
		t.Errorf("-written +read\n%s", diff)
	}
	w.Version++
	w.run(4, 3, tick, law.Counted{})
	if now, _ := w.Total(); w.Version != advice.Version || now.Whole().Took != tick {
		t.Errorf("from another version: %+v, want it begun anew", w.Tally)
	}
}

// INV-2, of anything: what is in the parts is what went by, and what was judged.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := newWatch()
	var took time.Duration
	var judged law.Counted
	w.step(1, 1, law.Counted{})
	for range 2000 {
		pass := time.Duration(r.IntN(90)) * time.Second
		w.now += pass
		one := law.Counted{Requests: float64(r.IntN(50))}
		one.Missed = one.Requests * r.Float64()
		if pass <= time.Minute {
			took, judged.Requests, judged.Missed = took+pass, judged.Requests+one.Requests, judged.Missed+one.Missed
		}
		w.step(r.IntN(5), r.IntN(5), one)
	}
	got, _ := w.Total()
	whole := got.Whole()
	if whole.Took != took || math.Abs(whole.Requests-judged.Requests) > 1e-6 || math.Abs(whole.Missed-judged.Missed) > 1e-6 {
		t.Errorf("Whole = %+v, want %v and %+v", whole, took, judged)
	}
	if got.More.Ran <= got.More.Advised || got.Same.Ran != got.Same.Advised || got.Fewer.Ran >= got.Fewer.Advised {
		t.Errorf("Total = %+v, want each part what it says", got)
	}
}
