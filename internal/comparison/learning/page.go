package learning

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Engines are those of the page: each profile that ships, with short and with long requests.
func Engines(profiles []string) []Engine {
	var all []Engine
	for _, p := range profiles {
		all = append(all,
			Engine{p, 1000, 200, 2 * time.Second, 100 * time.Millisecond},
			Engine{p, 4000, 1000, 4 * time.Second, 100 * time.Millisecond})
	}
	return all
}

// A Row is how far estimates were off at one time.
type Row struct {
	Prior   string
	At      time.Duration
	Of      int     // estimates
	Known   int     // of these; the others have no capacity yet, and no part in what follows
	Median  float64 // error, as a share of the truth
	P90     float64
	Worst   float64
	Within  float64 // share of them that are within 6 %
	Covered float64 // share of the intervals that hold the truth
}

// Rows are those of some minutes, from estimates by engine and seed.
func Rows(prior string, all [][]Estimate, minutes ...int) (rows []Row) {
	for _, minute := range minutes {
		r := Row{Prior: prior, At: time.Duration(minute) * time.Minute}
		var off []float64
		covered, within := 0, 0
		for _, of := range all {
			e := of[minute-1]
			r.Of++
			if e.Value == 0 {
				continue
			}
			r.Known++
			off = append(off, math.Abs(e.Value-1))
			if e.Low <= 1 && e.High >= 1 {
				covered++
			}
			if math.Abs(e.Value-1) <= 0.06 {
				within++
			}
		}
		if slices.Sort(off); len(off) > 0 {
			r.Median, r.P90, r.Worst = off[len(off)/2], off[len(off)*9/10], off[len(off)-1]
			r.Covered, r.Within = float64(covered)/float64(len(off)), float64(within)/float64(len(off))
		}
		rows = append(rows, r)
	}
	return rows
}

// A Page is all that was played.
type Page struct {
	Command string
	Rows    []Row
	Engines int
	Seeds   int
	Drawn   []Drawn
	Misses  []Curve
	Of      Engine // of the misses and the starts
	Starts  []Start
	Start   Start // true
}

// A Drawn is one engine's estimates without a prior.
type Drawn struct {
	Engine
	Estimates []Estimate
}

// String is the page in Markdown.
func (p Page) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, head, p.Command, p.Engines, p.Seeds)
	b.WriteString("| believed beforehand | after | known | off by: median | nine in ten | at most | within 6 % | intervals that hold the truth |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range p.Rows {
		fmt.Fprintf(&b, "| %s | %d min | %d of %d | %s | %s | %s | %s | %s |\n",
			r.Prior, int(r.At.Minutes()), r.Known, r.Of, percent(r.Median), percent(r.P90), percent(r.Worst), percent(r.Within), percent(r.Covered))
	}
	fmt.Fprintf(&b, middle, p.Of.Profile, p.Of.Input, p.Of.Output)
	b.WriteString("| load |")
	for _, c := range p.Misses {
		b.WriteString(" " + c.Name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(p.Misses)) + "\n")
	for i := 0; i < loads; i += 2 {
		fmt.Fprintf(&b, "| %s |", fmt.Sprintf("%.3g %%", 100*load(i)))
		for _, c := range p.Misses {
			fmt.Fprintf(&b, " %.1f %% |", 100*c.Shares[i])
		}
		b.WriteString("\n")
	}
	last := p.Starts[len(p.Starts)-1]
	fmt.Fprintf(&b, foot, p.Start.Median.Round(time.Second), p.Start.P90.Round(time.Second), last.From, last.Median.Round(time.Second), last.P90.Round(time.Second))
	return b.String()
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

const head = `# How fast it learns

**All figures are simulated**, by ` + "`%s`" + `, which writes this page. What is compared with is the plant's own: the most
that an engine serves so that 95 %% meet the objectives, found by bisection of runs in which no law has a part; the share
that misses at constant loads; the distribution that starts are drawn from. What the law learns from are the counters of a
stock vLLM and the times of pods. How far the plant is from measured runs: [validation.md](validation.md).

![Capacity, misses and starts as they are learned](learning.svg)

Left: what one replica serves, as known from minute to minute, over what it does, with the 90 %% interval, of four engines of
which nothing was known. Middle: the share that misses by load. Right: how long a start takes.

## Capacity

%d engines, which are all profiles with 1,000 tokens in and 200 out and with 4,000 and 1,000, under %d seeds each; two replicas
that are busy to three fifths.

`

const middle = `
*Twice as fast* and *half as fast*: the profile that is believed is of a GPU whose steps take half or twice as long as those
of the plant, while the objectives stay. Where a token alone takes
much of its objective, as it does on the slower engines, an error of the time becomes several times that of the rate; the interval
knows that (` + "`" + `TestTolerance` + "`" + `).

## Misses

The share that misses of %s with %d tokens in and %d out on four replicas, by the load over the true capacity. The service
that the law learned from went through 50 to 110 %% of it in each two hours.

`

const foot = `
## Starts

Of starts whose load of the weights is lognormal, half take up to %v and nine in ten up to %v. After %d starts %v and %v
were known, from the last 24. Before any there is a guess of 2 minutes, and of twice as much for nine in ten.
`
