package hindsight

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/workload"
)

const ramp = `
workload  poisson:stages=4m:2/4m:16/4m:2,input=1000,output=200
profile   qwen3-14b-h100
replicas  1..6 from 1
start     schedule=1s load=40s±0.3
objective ttft:p90:1s
objective tpot:p90:50ms
`

func parse(t *testing.T, text string) scenario.File {
	t.Helper()
	f, err := scenario.Parse("test", text, scenario.Env{
		Workload: func(text string) (workload.Workload, error) { return workload.Find(text, nil) },
		Profile:  func(name string) (plant.Profile, error) { return plant.FindProfile(name, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func named(t *testing.T, f scenario.File, text string) decide.Policy {
	t.Helper()
	p, err := f.Setup.Named(f.Bounded(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A plan that a law went by, followed again, gives what the law gave.
func TestPlansAreFollowed(t *testing.T) {
	f := parse(t, ramp)
	for _, text := range []string{"static:n=4", "hpa:target=8", "kpa"} {
		ran, err := scenario.Run(f.Setup, named(t, f, text), 3)
		if err != nil {
			t.Fatal(err)
		}
		again, err := scenario.Run(f.Setup, planned(ran.Plan), 3)
		if diff := cmp.Diff(ran.Result, again.Result); diff != "" || err != nil {
			t.Errorf("%s: %v, -law +its plan\n%s", text, err, diff)
		}
	}
}

// INV-1: what is found serves the share that is asked for, or as much as any plan does, and
// is no dearer than what the search began with.
func TestSearch(t *testing.T) {
	f := parse(t, ramp)
	hpa, err := scenario.Run(f.Setup, named(t, f, "hpa:target=8"), 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		max    int
		target float64
		less   float64 // of the least static that serves it
	}{{6, 0.99, 0.75}, {6, 0.9, 0.7}, {1, 0.99, 1}} {
		f.Setup.Fleet.Nodes = 1
		s := Search{Setup: f.Setup, Bounds: law.Bounds{Min: 1, Max: tc.max}, Seed: 3, Target: tc.target, Begin: []reference.Plan{hpa.Plan}}
		if tc.max == 1 {
			s.Begin = nil
		}
		found, err := s.Run()
		if err != nil {
			t.Fatal(err)
		}
		least := leastStatic(t, f, tc.max, tc.target)
		static := least.GPUHours
		tc.target = min(tc.target, least.Attainment)
		if found.Attainment < tc.target || found.GPUHours > tc.less*static {
			t.Errorf("of at most %d: %.4f at %.3f GPU-hours, want %.4f at %.2f of static's %.3f or less (%d runs, %s)",
				tc.max, found.Attainment, found.GPUHours, tc.target, tc.less, static, found.Runs, found.Plan)
		}
	}
}

// leastStatic is what the fewest replicas give that serve a share, or the most there may be.
func leastStatic(t *testing.T, f scenario.File, most int, share float64) (out scenario.Outcome) {
	t.Helper()
	for n := 1; n <= most && out.Attainment < share; n++ {
		var err error
		if out, err = scenario.Run(f.Setup, planned(reference.Always(n)), 3); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// INV-2.
func TestSameSearch(t *testing.T) {
	f := parse(t, strings.Replace(ramp, "4m:2/4m:16/4m:2", "2m:2/2m:8", 1))
	s := Search{Setup: f.Setup, Bounds: law.Bounds{Min: 1, Max: 3}, Seed: 1, Target: 0.95}
	one, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Run()
	if diff := cmp.Diff(one, two); diff != "" || err != nil {
		t.Errorf("%v, -one +two\n%s", err, diff)
	}
}

// Of a day the plan is programmed, and held against searches of three windows.
func TestProgram(t *testing.T) {
	f := parse(t, strings.Replace(ramp, "stages=4m:2/4m:16/4m:2", "stages=90m:0.3/20m:14/220m:0.3/20m:9/60m:0.3", 1))
	found, err := Search{Setup: f.Setup, Bounds: law.Bounds{Min: 1, Max: 3}, Seed: 1, Target: 0.99}.Run()
	if err != nil {
		t.Fatal(err)
	}
	static, err := scenario.Run(f.Setup, planned(reference.Always(3)), 1)
	if err != nil {
		t.Fatal(err)
	}
	if found.Attainment < 0.99 || found.GPUHours > 0.6*static.GPUHours || len(found.Windows) != 3 {
		t.Errorf("%.4f at %.2f GPU-hours, static 3 takes %.2f; windows %v; %s",
			found.Attainment, found.GPUHours, static.GPUHours, found.Windows, found.Plan)
	}
	for _, w := range found.Windows {
		if w.To-w.From != 3*time.Hour || w.Searched.Share < w.Programmed.Share || w.Searched.GPUHours > w.Programmed.GPUHours {
			t.Errorf("window %+v: the search is worse than what it began with", w)
		}
	}
}
