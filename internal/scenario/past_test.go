package scenario

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
)

// A run that goes on from an earlier one has the law's state of its end, by a clock that
// goes on: an HPA's window of five minutes holds the number of before.
func TestPast(t *testing.T) {
	f := parse(t, `
workload  poisson:rate=2,duration=20m
profile   qwen3-14b-h100
replicas  1..4 from 1
objective ttft:p90:3s
`)
	p, err := f.Setup.Named("flyball:min=1,max=4")
	if err != nil {
		t.Fatal(err)
	}
	first, err := Run(f.Setup, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	if first.Past.State.Name != "flyball" || first.Past.Now < 15*time.Minute {
		t.Fatalf("past after the first run: %s at %v", first.Past.State.Name, first.Past.Now)
	}
	f.Setup.Past = first.Past
	second, err := Run(f.Setup, p, 2)
	if err != nil {
		t.Fatal(err)
	}
	if second.Past.Now <= first.Past.Now+15*time.Minute {
		t.Errorf("the clock went on from %v to %v", first.Past.Now, second.Past.Now)
	}
	again, err := Run(f.Setup, p, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(second, again); d != "" {
		t.Errorf("the same run from the same past differs:\n%s", d)
	}
}

// Days are judged by what arrived in them, and add up.
func TestDays(t *testing.T) {
	f := parse(t, `
workload  poisson:rate=0.05,duration=60h
profile   qwen3-14b-h100
replicas  1..2 from 1
objective ttft:p90:3s
`)
	f.Setup.Days = true
	p, err := f.Setup.Named("static:n=1")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Run(f.Setup, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	requests, hours := 0, 0.0
	for _, d := range out.Portions {
		requests, hours = requests+d.Requests, hours+d.GPUHours
	}
	if len(out.Portions) != 3 || requests != out.Requests || math.Abs(hours-out.GPUHours) > 1e-6 {
		t.Errorf("%d days with %d requests and %v GPU-hours, want 3 with %d and %v", len(out.Portions), requests, hours, out.Requests, out.GPUHours)
	}
	if d := out.Portions[0]; d.Name != "day 1" || d.GPUHours < 23.9 || d.GPUHours > 24.1 || d.Duration != 24*time.Hour {
		t.Errorf("first day: %s of %v with %v GPU-hours", d.Name, d.Duration, d.GPUHours)
	}
}

// A pod that is made as a run begins is made at that time of the past's clock.
func TestPastOfAPod(t *testing.T) {
	in := decide.Input{Fleet: law.Fleet{Pods: []law.Pod{{Name: "made at once"}, {CreatedAt: time.Second, StartedAt: 2 * time.Second}}}}
	Past{Now: time.Hour}.shift(&in)
	want := []law.Pod{{Name: "made at once", CreatedAt: time.Hour}, {CreatedAt: time.Hour + time.Second, StartedAt: time.Hour + 2*time.Second}}
	if diff := cmp.Diff(want, in.Fleet.Pods); diff != "" {
		t.Errorf("shift: -want +got\n%s", diff)
	}
}
