//go:build study

package simulate

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

var (
	recordStudy = flag.String("record", "", "file for TestLawStudy's page (default: none)")
	onlyStudy   = flag.String("only", "", "the one scenario of TestLawStudy (default: all)")
)

const (
	// Seeds by which parameters are chosen, and fresh ones by which what was chosen, and
	// Flyball, are judged.
	tuningSeeds, judgingSeeds = 2, 2
	firstFresh                = 101
	episodes                  = 3 // of Flyball, each with what it remembers of those before
)

func promises() []float64 { return []float64{0.90, 0.95, 0.99} }

// A tunable is a law with one number, of which the cheapest value that keeps a promise is
// looked for.
type tunable struct{ name, text string } // the text has %s for the value

func tunables(days bool) map[tunable][]string {
	counts := []string{"8", "16", "24", "32", "40", "48", "64"}
	if days {
		counts = []string{"16", "24", "32", "40"}
	}
	all := map[tunable][]string{{"hpa", "hpa:metric=running,target=%s"}: counts}
	if !days {
		all[tunable{"kpa", "kpa:target=%s"}] = counts
		all[tunable{"keda", "keda:metric=running,target=%s"}] = counts
		all[tunable{"llmd-slo", "llmd-slo:up=%s,down=%s"}] = []string{"0.3,0.22", "0.4,0.29", "0.5,0.36", "0.55,0.4", "0.65,0.47", "0.8,0.58", "0.95,0.69"}
		all[tunable{"wva-v2", "wva-v2:up=%s,down=%s"}] = []string{"0.4,0.33", "0.5,0.41", "0.6,0.49", "0.7,0.58", "0.8,0.66", "0.85,0.7", "0.95,0.78"}
	}
	return all
}

func (t tunable) with(value string) string {
	first, second, two := strings.Cut(value, ",")
	if two {
		return fmt.Sprintf(t.text, first, second)
	}
	return fmt.Sprintf(t.text, first)
}

// A figure is a mean over runs or days.
type figure struct {
	law               string
	attained, hours   float64
	least             float64 // attained in one of them
	kept, all, thrash float64
}

func (f figure) String() string { return fmt.Sprintf("%.1f @ %.4g", 100*f.attained, f.hours) }

func (f *figure) add(r score.Result, promise float64) {
	if f.all == 0 || r.Attainment < f.least {
		f.least = r.Attainment
	}
	f.all++
	f.attained += (r.Attainment - f.attained) / f.all
	f.hours += (r.GPUHours - f.hours) / f.all
	f.thrash += (float64(r.Thrash) - f.thrash) / f.all
	if r.Attainment >= promise {
		f.kept++
	}
}

// A study is of one scenario.
type study struct {
	scenario.File
	name, kind, about, text string
	days                    bool
}

func readStudy(t *testing.T, file string) study {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{Profiles: profiles, Workload: func(text string) (workload.Workload, error) { return workload.Find(text, data.Open) }}
	s := study{name: strings.TrimSuffix(filepath.Base(file), ".txt"), text: string(text)}
	if s.File, err = in.Parse(file, s.text); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(strings.TrimPrefix(s.text, "# "), "\n")
	s.kind, s.about, _ = strings.Cut(head, ": ")
	s.days = strings.HasSuffix(s.name, "days")
	s.Setup.Days = s.days
	return s
}

// play is a law's first run or day, and those that come after.
func (s study) play(t *testing.T, law string, promise float64, first, seeds, episodes int) (begin, later figure) {
	t.Helper()
	begin.law, later.law = law, law
	setup := s.Setup
	setup.Terms.Objectives = slices.Clone(setup.Terms.Objectives)
	for i := range setup.Terms.Objectives {
		setup.Terms.Objectives[i].Quantile = promise
	}
	p, err := setup.Named(s.Bounded(law))
	if err != nil {
		t.Fatal(err)
	}
	for seed := first; seed < first+seeds; seed++ {
		setup.Past = scenario.Past{}
		for episode := range episodes {
			out, err := scenario.Run(setup, p, uint64(seed+1000*episode))
			if err != nil {
				t.Fatalf("%s, %s: %v", s.name, law, err)
			}
			setup.Past = out.Past
			results := []score.Result{out.Result}
			if s.days {
				results = nil
				for _, day := range out.Portions {
					results = append(results, day.Result)
				}
			}
			for i, r := range results {
				if episode+i == 0 && (s.days || episodes > 1) {
					begin.add(r, promise)
				} else {
					later.add(r, promise)
				}
			}
		}
	}
	return begin, later
}

// published are the laws as they are shipped, with the scenario's objectives where they
// have some.
func (s study) published() []string {
	var all []string
	for _, spec := range catalog.Specs() {
		text := spec.Name
		for _, p := range spec.Params {
			for _, o := range s.Setup.Terms.Objectives {
				if p.Name == o.Metric.String() || p.Name == "itl" && o.Metric == score.TPOT {
					text = WithParameter(text, p.Name, o.Target.String())
				}
			}
		}
		some := s.days && !slices.Contains([]string{"hpa", "kpa", "llmd-slo", "wva-v2"}, spec.Name)
		if spec.Name != "flyball" && !spec.Hindsight && !some {
			all = append(all, text)
		}
	}
	return all
}

// cheapestFigure is that of those which keep a promise.
func cheapestFigure(all []figure, promise float64) (figure, bool) {
	best := figure{hours: math.Inf(1)}
	for _, f := range all {
		if f.attained >= promise && f.hours < best.hours {
			best = f
		}
	}
	return best, best.law != ""
}

// tuned are the tunable laws with the value that was the cheapest to keep the promise, or
// attained most, judged by fresh seeds.
func (s study) tuned(t *testing.T, tried map[string][]figure, promise float64, fresh map[string]figure) []figure {
	t.Helper()
	var all []figure
	for _, name := range slices.Sorted(maps.Keys(tried)) {
		best, ok := cheapestFigure(tried[name], promise)
		if !ok {
			best = slices.MaxFunc(tried[name], func(a, b figure) int { return cmp.Compare(a.attained, b.attained) })
		}
		if _, known := fresh[best.law]; !known {
			_, fresh[best.law] = s.play(t, best.law, promise, firstFresh, s.seeds(judgingSeeds), 1)
		}
		all = append(all, fresh[best.law])
	}
	return all
}

// seeds are fewer where days are many runs by themselves.
func (s study) seeds(n int) int {
	if s.days {
		return 1
	}
	return n
}

// page is the scenario's part of the page, and its rows of the summary.
func (s study) page(t *testing.T) (page, summary string) {
	t.Helper()
	tried := map[string][]figure{}
	for law, values := range tunables(s.days) {
		for _, v := range values {
			_, f := s.play(t, law.with(v), 0.95, 1, s.seeds(tuningSeeds), 1)
			tried[law.name] = append(tried[law.name], f)
		}
	}
	var shipped []figure
	for _, law := range s.published() {
		_, f := s.play(t, law, 0.95, firstFresh, s.seeds(judgingSeeds), 1)
		shipped = append(shipped, f)
	}
	var b, sum strings.Builder
	fmt.Fprintf(&b, "## %s: %s\n\n```\n%s```\n\n", s.name, s.about, s.text)
	b.WriteString("| promised | Flyball first | Flyball later | kept | least | thrash | HPA tuned | cheapest tuned | cheapest as shipped |\n|---|---|---|---|---|---|---|---|---|\n")
	runs := episodes
	if s.days {
		runs = 1
	}
	fresh := map[string]figure{}
	for _, q := range promises() {
		begin, later := s.play(t, "flyball", q, firstFresh, s.seeds(judgingSeeds), runs)
		tuned := s.tuned(t, tried, q, fresh)
		hpa := tuned[slices.IndexFunc(tuned, func(f figure) bool { return strings.HasPrefix(f.law, "hpa:") })]
		best, any := cheapestFigure(tuned, q)
		asIs, anyAsIs := cheapestFigure(shipped, q)
		fmt.Fprintf(&b, "| %.0f %% | %v | %v | %.0f of %.0f | %.1f | %.1f | %v by `%s` | %s | %s |\n", 100*q, begin, later,
			later.kept, later.all, 100*later.least, later.thrash, hpa, hpa.law, named(best, any), named(asIs, anyAsIs))
		fmt.Fprintf(&sum, "| %s | %s | %.0f %% | %.1f | %.1f | %.0f of %.0f | %s | %s | %s |\n", s.kind, s.name, 100*q, 100*begin.attained,
			100*later.attained, later.kept, later.all, ratio(later, hpa, hpa.attained >= q), ratio(later, best, any), ratio(later, asIs, anyAsIs))
	}
	b.WriteString("\nAs shipped:\n\n| law | attained | GPU-hours | thrash |\n|---|---|---|---|\n")
	slices.SortStableFunc(shipped, func(a, b figure) int { return cmp.Compare(b.attained, a.attained) })
	for _, f := range shipped {
		fmt.Fprintf(&b, "| `%s` | %.1f %% | %.4g | %.1f |\n", f.law, 100*f.attained, f.hours, f.thrash)
	}
	b.WriteString("\n")
	return b.String(), sum.String()
}

func named(f figure, ok bool) string {
	if !ok {
		return "none keeps it"
	}
	return fmt.Sprintf("%v by `%s`", f, f.law)
}

// ratio is of GPU-hours, where the other keeps the promise.
func ratio(a, b figure, ok bool) string {
	if !ok {
		return "misses"
	}
	return fmt.Sprintf("%.2f", a.hours/b.hours)
}

// TestLawStudy compares Flyball's law with the published ones, as shipped and tuned, on
// workloads that were looked at while it was made and on others.
func TestLawStudy(t *testing.T) {
	files, err := filepath.Glob("testdata/study/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("reading the scenarios: %d, %v", len(files), err)
	}
	var studies []study
	for _, file := range files {
		if s := readStudy(t, file); *onlyStudy == "" || s.name == *onlyStudy {
			studies = append(studies, s)
		}
	}
	kinds := []string{"tuned", "seen", "judged"}
	slices.SortStableFunc(studies, func(a, b study) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.kind), slices.Index(kinds, b.kind)), cmp.Compare(a.name, b.name))
	})
	var pages, summary strings.Builder
	for _, s := range studies {
		began := time.Now()
		page, rows := s.page(t)
		pages.WriteString(page)
		summary.WriteString(rows)
		t.Logf("%s after %v:\n%s", s.name, time.Since(began).Round(time.Second), rows)
		if *recordStudy == "" {
			continue
		}
		text := fmt.Sprintf(studyPage, summary.String(), pages.String())
		if err := os.WriteFile(*recordStudy, []byte(strings.TrimSpace(text)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const studyPage = `# Flyball's law and the published ones

**All figures are simulated**, by ` + "`make law-study`" + `, which writes this page; nothing here was measured on GPUs. How far the
simulator is from measured runs: [validation.md](validation.md). What the law does: [0005](design/0005-the-law.md).

- *tuned*: the law's constants were chosen while this workload was looked at. *seen*: it was run while the law was made,
  and something was fixed because of it. *judged*: it was not run before the law was as it is. The loads of bursts,
  papers and steep were raised once, because one or two replicas had been enough; the law was not changed. The later days
  have the lengths and the kind of day of those that it was tuned on.
- Flyball has the same defaults everywhere, and begins with 1.3 times the step times of the profile. *first* is its first
  run, or day, of the service; *later* are the second and third, or the days after, with what it remembers.
- The others are as shipped, with the scenario's objectives where they have some, and *tuned*: of seven values of a target
  or threshold (the HPA, KEDA, Knative, llm-d, WVA) the cheapest that keeps the promise on this very workload, by two
  seeds, and then run again by two fresh ones. On days four targets of the HPA are tried, by one seed, and the first day
  does not count for the others either. Only that one number is tuned: an HPA with other windows, or another metric, may
  do better. On days it is its four targets that are coarse: below 16 it costs more, and above 20 it costs more *and*
  attains less, because it goes up and down.
- *attained* is the share of requests that meet both objectives, in %%, before the @; behind it are GPU-hours of a run or
  day. *kept* is in how many of the later runs or days the promise was kept, and *least* the worst of them.
- Ratios are Flyball's GPU-hours over the other's; *misses*: the other misses the promise.
- Not run here: Mooncake's trace, of which hardly a number of replicas keeps an objective, Alibaba's small model, and more than
  one later day of each.

| kind | scenario | promised | first | later | kept | over the tuned HPA | over the cheapest tuned | over the cheapest as shipped |
|---|---|---|---|---|---|---|---|---|
%s
%s`
