package validate

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/score"
)

// labSeeds is over how many seeds a figure is: each has cold starts of its own, and ends
// other pods.
const labSeeds = 10

func writeLab(ctx context.Context, v *validation) error {
	r, err := readRecording(func(name string) (io.ReadCloser, error) { return data.Open("lab/" + name) })
	if err != nil {
		return err
	}
	return r.write(ctx, v)
}

// sides are what of a timeline is compared.
func sides() []side {
	return []side{{"desired", func(t timeline) []float64 { return t.wanted }}, {"ready", func(t timeline) []float64 { return t.ready }}}
}

type side struct {
	name string
	of   func(timeline) []float64
}

func (r recording) write(ctx context.Context, v *validation) error {
	v.printf(labWhat, r.flags["weights"], r.flags["warmup"], 100*r.number("jitter"), r.flags["scrape-interval"])
	v.command("flyball validate --only lab")
	t := table{header: []string{
		"load", "replicas", "within one", "least", "two seeds", "phases unknown", "mean, lab", "mean, simulated", "cut, lab", "cut, simulated",
	}}
	var drawn strings.Builder
	for _, run := range r.runs {
		same, err := r.replay(ctx, run, &run.phases)
		if err != nil {
			return fmt.Errorf("%s: %w", run.shape, err)
		}
		unknown, err := r.replay(ctx, run, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", run.shape, err)
		}
		for _, which := range sides() {
			lab, shares := which.of(run.replicas), same.shares(run.replicas, which.of)
			var means []float64
			for _, line := range same.lines {
				means = append(means, score.Over(which.of(line)).Mean)
			}
			share := score.Over(shares).Mean
			t.rows = append(t.rows, []string{
				run.shape, which.name, fmt.Sprintf("%.1f %%", share), fmt.Sprintf("%.1f %%", slices.Min(shares)),
				fmt.Sprintf("%.1f %%", same.chance(which.of)), fmt.Sprintf("%.1f %%", score.Over(unknown.shares(run.replicas, which.of)).Mean),
				fmt.Sprintf("%.2f", score.Over(lab).Mean), fmt.Sprintf("%.2f", score.Over(means).Mean),
				fmt.Sprintf("%.0f of %d", run.cut, run.requests), fmt.Sprintf("%.1f", score.Over(same.cut).Mean),
			})
			v.bounds = append(v.bounds, bound{"lab, seconds within one replica", run.shape + ", " + which.name, share - 100, 5})
		}
		drawn.WriteString(draw(run, same.lines[0]))
	}
	v.table(t)
	v.printf("Replicas every ten seconds, a digit each; the first line counts minutes, and the simulated ones are the first seed's.\n\n```\n%s```\n\n%s", strings.TrimSuffix(drawn.String(), "\n"), labOpen)
	return nil
}

const labWhat = `The guide's manifest, as in ` + "`examples/guide`" + `, on the lab's real KEDA, HPA, KServe and Prometheus, and simulated
under the same arrivals: three services side by side in one lab, each under a load of its own. HPA, KEDA and windows are as
the guide has them; pods take %s for their weights and %s to warm up, each ± %.0f %%, and are scraped every %s. Second 0 is
when the load begins. ` + "`make compare`" + ` records it again, in a quarter of an hour.

"Within one" is the share of seconds in which the simulated replicas are within one of the lab's: the mean of ten seeds, and
the least. The simulator is told the lab's phases, when the HPA syncs and when Prometheus scrapes. What is left to the seeds
is how long starts take, and which pod a scale-down ends; its requests are cut, as the guide's runtime does not drain. "Two
seeds" is how often these agree with each other: more cannot be expected. With "phases unknown", as they are to a user, each
seed draws its own.

`

const labOpen = `Open points:

- Requests come evenly, at a rate that changes, and take 34 or 45 s. Random gaps and short answers are not recorded: with
  them it depends more on the phases what the HPA sees.
- The real HPA's period is 15 s and what a sync takes, here 15.05 to 15.1 s: in ten minutes it falls behind by 2 to 3 s. The
  simulated one's is 15 s, and its phase the median of the lab's.
- Pods are scraped at moments of their own; the simulator scrapes all of a service at that of the first.
`

// chance is the share for two seeds, the mean over all pairs of them.
func (r replays) chance(which func(timeline) []float64) float64 {
	var pairs []float64
	for i, line := range r.lines {
		pairs = append(pairs, replays{lines: r.lines[:i]}.shares(line, which)...)
	}
	return score.Over(pairs).Mean
}

// shares are those of seconds, in percent, in which each seed is within one of a timeline.
func (r replays) shares(of timeline, which func(timeline) []float64) []float64 {
	shares := make([]float64, len(r.lines))
	for i, line := range r.lines {
		shares[i] = 100 * within(which(of), which(line))
	}
	return shares
}

// within is the share of seconds in which two are within one of each other.
func within(a, b []float64) float64 {
	n := 0
	for i := range a {
		if math.Abs(a[i]-b[i]) <= 1 {
			n++
		}
	}
	return float64(n) / float64(max(1, len(a)))
}

// draw lays a run and a simulation of it one above the other.
func draw(run labRun, simulated timeline) string {
	var b strings.Builder
	line := func(name string, values []float64) {
		fmt.Fprintf(&b, "%-17s ", name)
		for second := 0; second < len(values); second += 10 {
			b.WriteString(strconv.FormatInt(int64(math.Round(values[second])), 36))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%-17s ", run.shape)
	for minute := range (len(run.replicas.wanted) + 59) / 60 {
		fmt.Fprintf(&b, "%-6d", minute)
	}
	text := strings.TrimRight(b.String(), " ") + "   " + run.what + "\n"
	b.Reset()
	line("desired lab", run.replicas.wanted)
	line("        simulated", simulated.wanted)
	line("ready   lab", run.replicas.ready)
	line("        simulated", simulated.ready)
	return text + b.String() + "\n"
}
