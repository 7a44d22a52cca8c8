package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/score"
)

// A Verdict is a line that says what came out; Keeps is whether what it is of keeps the promise,
// or "" for what is no answer.
type Verdict struct {
	Keeps Answer
	Text  string
}

// Verdict says whether what the manifests say keeps the promise, or without manifests which law
// is the cheapest that does.
func (c *Comparison) Verdict() []Verdict {
	rows := c.Rows()
	if c.sweep != nil {
		return c.sweep.verdict(rows)
	}
	var laws, keep []Row
	for _, r := range rows {
		if Hindsight(r.Law) || r.Fault != "" {
			continue
		}
		if laws = append(laws, r); r.Keeps == Yes {
			keep = append(keep, r)
		}
	}
	if len(laws) == 0 {
		return nil
	}
	best := cheapest(keep)
	if len(c.own()) == 0 && len(laws) > 1 {
		return []Verdict{cheapestOf(laws, keep, best)}
	}
	if own := c.own(); len(own) > 0 {
		laws = slices.DeleteFunc(rows[:len(own)], func(r Row) bool { return r.Fault != "" })
	}
	var lines []Verdict
	for _, r := range laws {
		lines = append(lines, Verdict{r.Keeps, r.verdict(best)})
	}
	return lines
}

func cheapest(rows []Row) *Row {
	var best *Row
	for i, r := range rows {
		if best == nil || r.GPUHours < best.GPUHours {
			best = &rows[i]
		}
	}
	return best
}

func cheapestOf(laws, keep []Row, best *Row) Verdict {
	promise := 100 * laws[0].Promise
	if best == nil {
		return Verdict{No, fmt.Sprintf("none of %d laws keeps %g %%, as far as the seeds tell", len(laws), promise)}
	}
	return Verdict{Yes, fmt.Sprintf("the cheapest of the %d of %d laws that keep %g %% is %s, at %.2f GPU-hours", len(keep), len(laws), promise, best.Law, best.GPUHours)}
}

// verdict compares with the cheapest that keeps the promise, if there is another.
func (r Row) verdict(best *Row) string {
	attained := score.Interval{Mean: 100 * r.Attainment, Half: 100 * r.CI95["attainment"]}
	text := fmt.Sprintf("%s keeps %g %%: %s (%s %%)", r.Law, 100*r.Promise, r.Keeps, PlusMinus(attained.Mean, attained.Half))
	switch r.Keeps {
	case Yes:
	case Unsure:
		text += ", more seeds tell"
	case No:
		var because strings.Builder
		for _, o := range r.Objectives {
			fmt.Fprintf(&because, ", %s is met by %.2f %%", o.Objective, 100*o.Share)
		}
		for _, why := range slices.Sorted(maps.Keys(r.Aborts)) {
			fmt.Fprintf(&because, ", %.0f of %.0f requests were %s", r.Aborts[why], r.Requests, why)
		}
		text += because.String()
	}
	if best != nil && best.Law != r.Law && r.GPUHours > 1.005*best.GPUHours {
		text += fmt.Sprintf(", at %.1f × the GPU-hours of %s, the cheapest law here that does", r.GPUHours/best.GPUHours, best.Law)
	}
	return text
}
