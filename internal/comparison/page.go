package comparison

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Promises are those of the calibration curve.
func Promises() []float64 { return []float64{0.80, 0.85, 0.90, 0.95, 0.98, 0.99, 0.995} }

// A Page is what was played of some tasks.
type Page struct {
	Ledger  *Ledger
	Tasks   []Task
	Command string
}

// An outcome is a part with its task. Begin is of the first time or day of a service.
type outcome struct {
	Task
	Part
	Begin bool
}

// outcomes are of those tasks that were played.
func (p Page) outcomes(of func(Task) bool) []outcome {
	var all []outcome
	for _, t := range p.Tasks {
		if !of(t) {
			continue
		}
		for i, part := range p.Ledger.Parts(t) {
			all = append(all, outcome{t, part, i == 0})
		}
	}
	return all
}

// robust says whether a workload is one of those that bend the others.
func (w Workload) robust() bool { return w.Kind == "robust" }

func flyball(t Task) bool { return t.Law == "flyball" && !t.Hindsight && !t.Workload.robust() }

func published(t Task) bool { return t.Law != "flyball" }

// name is the law's, without its parameters.
func (t Task) name() string {
	name, _, _ := strings.Cut(t.Law, ":")
	return name
}

// others are the names of the laws beside Flyball's, by what they attain.
func (p Page) others() []string {
	sum, n := map[string]float64{}, map[string]float64{}
	var names []string
	for _, o := range p.outcomes(published) {
		if n[o.name()] == 0 {
			names = append(names, o.name())
		}
		sum[o.name()], n[o.name()] = sum[o.name()]+o.Attained, n[o.name()]+1
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(sum[b]/n[b], sum[a]/n[a]) })
	return names
}

// String is the page.
func (p Page) String() string {
	var b strings.Builder
	played := 0
	for _, t := range p.Tasks {
		if p.Ledger.Parts(t) != nil {
			played++
		}
	}
	fmt.Fprintf(&b, pageHead, p.Command, played, len(p.Tasks))
	p.calibration(&b)
	p.flyball(&b)
	p.published(&b)
	p.robustness(&b)
	return b.String()
}

// within counts outcomes in a band over the promise.
type within struct {
	all, kept, in int
	over          []float64
}

func (w *within) add(o outcome, band float64) {
	w.all++
	if o.Attained >= o.Promise {
		w.kept++
		if o.Attained <= o.Promise+band {
			w.in++
		}
	}
	w.over = append(w.over, 100*(o.Attained-o.Promise))
}

func (w *within) String() string {
	if w.all == 0 {
		return "- | - | -"
	}
	slices.Sort(w.over)
	return fmt.Sprintf("%d of %d | %d | %+.1f (%+.1f to %+.1f)", w.kept, w.all, w.in, w.over[len(w.over)/2], w.over[0], w.over[len(w.over)-1])
}

const (
	// bandDay and bandRun are how far above what is promised is asked of a day and a run at most.
	bandDay, bandRun = 0.02, 0.05
)

func (p Page) calibration(b *strings.Builder) {
	b.WriteString("| promised | days that keep it | in [q, q + 2] | points over q: median (least to most) | runs that keep it | in [q, q + 5] | points over q |\n|---|---|---|---|---|---|---|\n")
	for _, q := range Promises() {
		var days, runs within
		for _, o := range p.outcomes(func(t Task) bool { return flyball(t) && t.Promise == q }) {
			switch {
			case o.Begin: // learns
			case o.Workload.Days:
				days.add(o, bandDay)
			default:
				runs.add(o, bandRun)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", percent(q), &days, &runs)
	}
	b.WriteString("\n")
}

func (p Page) flyball(b *strings.Builder) {
	b.WriteString(flyballHead)
	for _, w := range p.workloads(false) {
		for _, q := range Promises() {
			p.promised(b, w, q)
		}
	}
	b.WriteString("\n")
}

// promised is the row of a workload at a promise, if any of it was played.
func (p Page) promised(b *strings.Builder, w Workload, q float64) {
	all := p.outcomes(func(t Task) bool { return flyball(t) && t.Promise == q && t.Workload.Name == w.Name })
	if len(all) == 0 {
		return
	}
	var first, later mean
	fewer, least := "", ""
	for _, o := range all {
		if o.Begin {
			first.add(o)
			continue
		}
		later.add(o)
		if o.OneFewer > 0 {
			fewer = percent1(o.OneFewer)
		}
	}
	for _, o := range p.outcomes(func(t Task) bool { return t.Hindsight && t.Promise == q && t.Workload.Name == w.Name }) {
		least = fmt.Sprintf("%.2f", o.GPUHours/o.Least)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %v | %v | %.0f | %.1f | %s | %s |\n",
		w.Kind, w.Name, percent(q), runsOf(later.n), &first, &later, later.cost, later.thrash, fewer, least)
}

func runsOf(n float64) string { return fmt.Sprintf("%.0f", n) }

// mean is of outcomes.
type mean struct{ n, attained, hours, cost, thrash float64 }

func (m *mean) add(o outcome) {
	m.n++
	for _, f := range []struct {
		to *float64
		is float64
	}{{&m.attained, o.Attained}, {&m.hours, o.GPUHours}, {&m.cost, o.Cost}, {&m.thrash, float64(o.Thrash)}} {
		*f.to += (f.is - *f.to) / m.n
	}
}

func (m *mean) String() string {
	if m.n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f @ %.4g", 100*m.attained, m.hours)
}

func percent1(share float64) string { return fmt.Sprintf("%.1f", 100*share) }

// workloads are those of the tasks, in their order: those that bend the others, or the others.
func (p Page) workloads(robust bool) []Workload {
	var all []Workload
	for _, t := range p.Tasks {
		if t.Workload.robust() == robust && !slices.ContainsFunc(all, func(w Workload) bool { return w.Name == t.Workload.Name }) {
			all = append(all, t.Workload)
		}
	}
	return all
}

func (p Page) published(b *strings.Builder) {
	b.WriteString("## The published laws, as shipped\n\nAttained in % @ GPU-hours, of a run or of the days after the first.\n\n| law |")
	all := p.workloads(false)
	for _, w := range all {
		fmt.Fprintf(b, " %s |", w.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, law := range p.others() {
		fmt.Fprintf(b, "| `%s` |", law)
		for _, w := range all {
			var m mean
			for _, o := range p.outcomes(func(t Task) bool { return t.name() == law && t.Workload.Name == w.Name }) {
				if !w.Days || !o.Begin {
					m.add(o)
				}
			}
			fmt.Fprintf(b, " %v |", &m)
		}
		b.WriteString("\n")
	}
}

// bent are the promises at which it is looked how robust they are.
func bent() []float64 { return []float64{0.90, 0.95, 0.99} }

func (p Page) robustness(b *strings.Builder) {
	all := p.workloads(true)
	if len(all) == 0 {
		return
	}
	b.WriteString(robustHead + "\n| scenario |")
	for _, q := range bent() {
		fmt.Fprintf(b, " %s |", percent(q))
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(bent())) + "\n")
	for _, w := range all {
		fmt.Fprintf(b, "| %s |", w.About)
		for _, q := range bent() {
			var m mean
			least := 1.0
			for _, o := range p.outcomes(func(t Task) bool { return t.Workload.Name == w.Name && t.Promise == q && t.Workload.robust() }) {
				if m.add(o); o.Attained < least {
					least = o.Attained
				}
			}
			fmt.Fprintf(b, " %v, least %s |", &m, percent1(least))
		}
		b.WriteString("\n")
	}
}

const robustHead = `
## When the surroundings change

The hour of conversations of 2023 at twice its speed, as in the study, with one thing changed at a time, and two loads of its
own (internal/comparison/testdata/robust): Flyball with its defaults, attained in % @ GPU-hours, of all runs of a service, its first included.
`

const pageHead = `# How well a promise is kept

**All figures are simulated**, by ` + "`%s`" + `, which writes this page and goes on where it was stopped: %d of the %d tasks
that it consists of are played, and what is missing is a dash. Nothing here was measured on GPUs. How far the simulator is from
measured runs: [validation.md](validation.md). What the law does: [0005](design/0005-the-law.md). Beside tuned laws: [laws-study.md](laws-study.md), with the scenarios.

![Attained against promised](comparison.svg)

Left: Flyball takes the promise q, the share of the requests that is to meet all objectives, and nothing else; on the
line what is attained is what was promised. Right: the published laws as they are shipped, with a scenario's objectives where
they take some. They know no q: what they attain is the same whatever is promised, and differs by workload. Both axes
show the share that misses, by its logarithm; what lies below 50 %% is drawn there. A dot is a run of half an hour to an hour and a
half, or a day.

The first day or run of a service, in which it learns, is in the plot and in the next table but one, and not in this one:

`

const flyballHead = `## Flyball by workload

*tuned*, *seen* and *judged* are as in [the study](laws-study.md). Attained in % @ GPU-hours; USD are of the profile's prices.
*One fewer*: what is attained, on the last day, if one replica fewer than Flyball is asked for all the time. *z*: its GPU-hours over
those of the best plan that was found in hindsight, on the first run, which attains as much.

| kind | scenario | promised | later | first | later ones | USD | thrash | one fewer | z |
|---|---|---|---|---|---|---|---|---|---|
`

func percent(share float64) string { return fmt.Sprintf("%.4g %%", 100*share) }
