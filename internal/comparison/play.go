package comparison

import (
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/scenario/hindsight"
	"github.com/flyball-dev/flyball/internal/score"
)

// A Task is a law on a workload, to be played under a seed so many times in a row, with what
// it remembers of the times before.
type Task struct {
	Workload Workload
	Law      string
	Promise  float64
	Seed     int
	Episodes int
	// Fewer also plays what the law asked for with one replica fewer all the time.
	Fewer bool
	// Hindsight also searches for the cheapest plan that attains what the first time did.
	Hindsight bool
}

// key says all that what is played depends on, but the code.
func (t Task) key() string {
	text := sha256.Sum256([]byte(t.Workload.Text))
	return fmt.Sprintf("%s %x %s %g %d %d %t %t", t.Workload.Name, text[:4], t.Law, t.Promise, t.Seed, t.Episodes, t.Fewer, t.Hindsight)
}

// A Part is what came of one time, or of one day.
type Part struct {
	Attained, GPUHours, Cost float64
	Requests, Thrash         int
	// OneFewer is what one replica fewer attained, and Least the GPU-hours of the best plan found
	// in hindsight; 0: not asked for.
	OneFewer, Least float64 `json:",omitzero"`
}

func part(r score.Result) Part {
	return Part{Attained: r.Attainment, GPUHours: r.GPUHours, Cost: r.Cost, Requests: r.Requests, Thrash: r.Thrash}
}

// Play plays it: its parts in the order of time.
func (t Task) Play() ([]Part, error) {
	setup := t.Workload.promised(t.Promise)
	p, err := setup.Named(t.Workload.Bounded(t.Law))
	if err != nil {
		return nil, err
	}
	var all []Part
	for episode := range t.Episodes {
		seed := uint64(t.Seed + 1000*episode)
		out, err := scenario.Run(setup, p, seed)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", t.Workload.Name, t.Law, err)
		}
		setup.Past = out.Past
		parts := partsOf(out)
		if t.Fewer {
			if err := t.fewer(parts, out.Plan, seed); err != nil {
				return nil, err
			}
		}
		if t.Hindsight && episode == 0 {
			if parts[0].Least, err = t.least(out, seed); err != nil {
				return nil, err
			}
		}
		all = append(all, parts...)
	}
	return all, nil
}

func partsOf(out scenario.Outcome) []Part {
	if len(out.Portions) == 0 {
		return []Part{part(out.Result)}
	}
	var all []Part
	for _, day := range out.Portions {
		all = append(all, part(day.Result))
	}
	return all
}

// fewer plays a plan with one replica fewer all the time, one at least.
func (t Task) fewer(parts []Part, plan reference.Plan, seed uint64) error {
	less := plan.Moved(0, math.MaxInt64, -1, law.Bounds{Min: max(t.Workload.Min, 1), Max: t.Workload.Max})
	follow := decide.Policy{Law: reference.Oracle{Schedule: reference.Schedule{Levels: less}}}
	out, err := scenario.Run(t.Workload.promised(t.Promise), follow, seed)
	if err != nil {
		return fmt.Errorf("%s with one fewer: %w", t.Workload.Name, err)
	}
	for i, p := range partsOf(out) {
		if i < len(parts) {
			parts[i].OneFewer = p.Attained
		}
	}
	return nil
}

// least are the GPU-hours of the cheapest plan found that attains what a run did.
func (t Task) least(out scenario.Outcome, seed uint64) (float64, error) {
	bounds := law.Bounds{Min: t.Workload.Min, Max: t.Workload.Max}
	search := hindsight.Of(t.Workload.promised(t.Promise), reference.Oracle{Target: out.Attainment, Schedule: reference.Schedule{Bounds: bounds}}, seed)
	search.Begin = []reference.Plan{out.Plan}
	found, err := search.Run()
	if err != nil {
		return 0, fmt.Errorf("%s in hindsight: %w", t.Workload.Name, err)
	}
	return found.GPUHours, nil
}
