package simulate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/scenario/hindsight"
	"github.com/flyball-dev/flyball/internal/score"
)

// Found is what a row's plan is: the best one that was found, seed by seed; there may be
// better ones.
type Found struct {
	Plan    string     `json:"plan"` // of the first seed, as --law schedule:at=… takes it
	Runs    int        `json:"runs"` // of all seeds together
	Target  float64    `json:"target"`
	Windows []Compared `json:"windows,omitempty"`
}

// Compared is a window of a plan of the first seed that dynamic programming made, and what a
// search of the window finds that attains as much.
type Compared struct {
	FromSeconds  float64 `json:"fromSeconds"`
	UntilSeconds float64 `json:"untilSeconds"`
	Attainment   float64 `json:"attainment"`
	GPUHours     float64 `json:"gpuHours"`
	Searched     float64 `json:"searchedGPUHours"`
}

// searches says whether a contender's plan is to be found.
func (c *Contender) searches() bool {
	o, ok := c.Policy.Law.(reference.Oracle)
	return ok && len(o.Levels) == 0
}

// Searches says whether there is a plan to be found: nobody knows in how many runs.
func (c *Comparison) Searches() bool { return slices.ContainsFunc(c.Contenders, (*Contender).searches) }

// search finds a contender's plans, beginning with what all others did. Where another one
// still attains as much over all seeds and is cheaper, as the seeds differ, the plans are
// those that are no dearer than it in any seed.
func (c *Comparison) search(ctx context.Context, one *Contender, seeds int, done func()) error {
	o := one.Policy.Law.(reference.Oracle)
	one.Found = &Found{Target: hindsight.Of(c.Setup, o, 0).Target}
	find := func(target func(place int) float64) error {
		one.Results, one.plans, one.portions = nil, nil, nil
		found := make([]hindsight.Found, seeds*max(c.Episodes, 1))
		err := c.each(ctx, []*Contender{one}, seeds, done, func(p part, tick func() error) (scenario.Outcome, error) {
			search := hindsight.Of(p.setup, o, p.seed)
			search.Begin, search.Tick, search.Target = c.begin(p.place), tick, target(p.place)
			var err error
			found[p.place], err = search.Run()
			return found[p.place].Outcome, err
		})
		if err != nil {
			return err
		}
		for _, f := range found {
			one.Found.Runs += f.Runs
		}
		one.Found.Plan, one.Found.Windows = found[0].Plan.String(), compared(found[0].Windows)
		return nil
	}
	if err := find(func(int) float64 { return one.Found.Target }); err != nil {
		return err
	}
	if rival := c.rival(one); rival != nil {
		return find(func(place int) float64 { return rival.Results[place].Attainment })
	}
	return nil
}

// begin are the plans of what has run under the comparison's own setup.
func (c *Comparison) begin(place int) []reference.Plan {
	var all []reference.Plan
	for _, one := range c.Contenders {
		if one.setup == nil && place < len(one.plans) {
			all = append(all, one.plans[place])
		}
	}
	return all
}

func compared(windows []hindsight.Window) []Compared {
	var all []Compared
	for _, w := range windows {
		all = append(all, Compared{w.From.Seconds(), w.To.Seconds(), w.Programmed.Share, w.Programmed.GPUHours, w.Searched.GPUHours})
	}
	return all
}

// rival is the cheapest contender that attains as much as was asked for, or as was found,
// for fewer GPU-hours than were found.
func (c *Comparison) rival(one *Contender) *Contender {
	mean := func(c *Contender, of func(score.Result) float64) float64 { return Over(c.Results, of).Mean }
	var best *Contender
	hours, enough := mean(one, gpuHours), min(one.Found.Target, mean(one, Attainment))
	for _, other := range c.Contenders {
		if other == one || other.setup != nil || len(other.Results) != len(one.Results) || mean(other, Attainment) < enough {
			continue
		}
		if h := mean(other, gpuHours); h < hours {
			best, hours = other, h
		}
	}
	return best
}

// Plans say in a line each what was found.
func (c *Comparison) Plans() []string {
	var lines []string
	for _, one := range c.Contenders {
		f := one.Found
		if f == nil || len(one.Results) == 0 {
			continue
		}
		of := ""
		if len(one.Results) > 1 {
			of = " of the first seed"
		}
		lines = append(lines, fmt.Sprintf("%s is the best plan found in %d runs; that%s is schedule:at=%s", one.Name, f.Runs, of, f.Plan))
		if got := Over(one.Results, Attainment).Mean; got < f.Target {
			lines = append(lines, fmt.Sprintf("%s: no plan was found that attains %g %%", one.Name, 100*f.Target))
		}
		for _, w := range f.Windows {
			from, until := time.Duration(w.FromSeconds)*time.Second, time.Duration(w.UntilSeconds)*time.Second
			lines = append(lines, fmt.Sprintf("%s: from %s to %s dynamic programming takes %.2f GPU-hours for %.2f %%, and a search of this time alone %.2f for as many",
				one.Name, from, until, w.GPUHours, 100*w.Attainment, w.Searched))
		}
	}
	return lines
}
