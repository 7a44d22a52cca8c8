package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A recording is what 'make compare' writes: one manifest on the real chain under
// several loads, each on a service of its own.
type recording struct {
	open  func(name string) (io.ReadCloser, error)
	flags map[string]string // of the lab, without their dashes
	runs  []labRun
}

// A labRun is one of the loads, with what became of it.
type labRun struct {
	shape, what string
	requests    int
	cut         float64
	phases      scenario.Phases
	replicas    timeline
	arrivals    workload.Workload
}

// A timeline is by the second since the load began.
type timeline struct{ wanted, ready []float64 }

func readRecording(open func(name string) (io.ReadCloser, error)) (recording, error) {
	r := recording{open: open, flags: map[string]string{}}
	flags, err := rowsOf(open, "flags.csv")
	if err != nil {
		return r, err
	}
	for _, f := range flags {
		r.flags[f["flag"]] = f["value"]
	}
	runs, err := rowsOf(open, "runs.csv")
	if err != nil {
		return r, err
	}
	for _, row := range runs {
		after := func(column string) time.Duration { return time.Duration(row.number(column) * float64(time.Second)) }
		run := labRun{
			shape: row["shape"], what: row["what"], requests: int(row.number("requests")), cut: row.number("cut"),
			phases: scenario.Phases{Scrape: after("scrape_s"), Sync: after("sync_s")},
		}
		seconds, err := rowsOf(open, run.shape+".csv")
		if err != nil {
			return r, err
		}
		for _, s := range seconds {
			run.replicas.wanted = append(run.replicas.wanted, s.number("wanted"))
			run.replicas.ready = append(run.replicas.ready, s.number("ready"))
		}
		f, err := open(run.shape + "_arrivals.csv")
		if err != nil {
			return r, err
		}
		if run.arrivals, err = workload.Read(f, run.shape); err != nil {
			return r, fmt.Errorf("reading the arrivals of %s: %w", run.shape, err)
		}
		r.runs = append(r.runs, run)
	}
	return r, nil
}

// number is a flag's, of a lab that was started with it.
func (r recording) number(flag string) float64 { return measured(r.flags).number(flag) }

// labScenario is the lab as a plant. Jitter j is even over 1 ± j, so that its coefficient
// of variation is j/√3. A second goes by until a pod has a node; the guide's readiness
// probe looks every two, and its answer goes through the API server. The lab's proxy
// takes the pods of a Service in turns.
func (r recording) labScenario(profile string, p *policy.Service) string {
	spread := r.number("jitter") / math.Sqrt(3)
	return strings.Join([]string{
		"workload arrivals", "profile " + profile, fmt.Sprintf("replicas %d..%d", p.Min, p.Max),
		fmt.Sprintf("nodes %s of %s GPUs", r.flags["gpu-nodes"], r.flags["gpus-per-node"]),
		fmt.Sprintf("start schedule=1s pull=%s±%.3f load=%s±%.3f compile=%s±%.3f ready=2s±0.3", r.flags["pull"], spread, r.flags["weights"], spread, r.flags["warmup"], spread),
		"routing round-robin", "hold none", "scrape " + r.flags["scrape-interval"], "objective ttft:p90:3s", "drained",
	}, "\n")
}

// replay simulates a run of the lab, with the phases given or those of the seeds. A
// simulation ends when its replicas are back at the start's, and there they stay.
func (r recording) replay(ctx context.Context, run labRun, phases *scenario.Phases, in io.Reader) (replays, error) {
	f, own, err := r.simulated(ctx, run, in)
	if err != nil {
		return replays{}, err
	}
	f.Setup.Phases = phases
	all, err := parallel(ctx, labSeeds, func(i int) (scenario.Outcome, error) { return scenario.Run(f.Setup, own.build, uint64(i)+1) })
	if err != nil {
		return replays{}, err
	}
	out := replays{lines: make([]timeline, labSeeds), cut: make([]float64, labSeeds)}
	for i, one := range all {
		out.cut[i] = float64(one.Aborted)
		for second := range run.replicas.wanted {
			now := scenario.FleetMean{Wanted: float64(f.Setup.Start), Ready: float64(f.Setup.Start)}
			if second < len(one.Points) {
				now = one.Points[second].Fleet
			}
			out.lines[i].wanted, out.lines[i].ready = append(out.lines[i].wanted, now.Wanted), append(out.lines[i].ready, now.Ready)
		}
	}
	return out, nil
}

// replays are by seed.
type replays struct {
	lines []timeline
	cut   []float64
}

func (r recording) simulated(ctx context.Context, run labRun, in io.Reader) (scenario.File, *contender, error) {
	const manifests = "guide.yaml"
	file, err := r.open(manifests)
	if err != nil {
		return scenario.File{}, nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return scenario.File{}, nil, fmt.Errorf("reading %s: %w", manifests, err)
	}
	p, err := policy.Read([]manifest.File{{Name: manifests, Text: text}}, "")
	if err != nil {
		return scenario.File{}, nil, err
	}
	o := simulateOptions{profile: r.flags["profile"]}
	env, profile, err := o.env(in, &p)
	if err != nil {
		return scenario.File{}, nil, err
	}
	env.Workload = func(string) (workload.Workload, error) { return run.arrivals, nil }
	f, err := scenario.Parse("lab", r.labScenario(profile, &p), env)
	if err != nil {
		return f, nil, err
	}
	f.Setup.Draw, f.Setup.Step = true, time.Second
	own, err := adopt(ctx, &f, &p)
	return f, own, err
}

// labSeeds is over how many seeds a figure is: each has cold starts of its own, and ends
// other pods.
const labSeeds = 10

func writeLab(ctx context.Context, v *validation, in io.Reader) error {
	r, err := readRecording(func(name string) (io.ReadCloser, error) { return data.Open("lab/" + name) })
	if err != nil {
		return err
	}
	return r.write(ctx, v, in)
}

// sides are what of a timeline is compared.
func sides() []side {
	return []side{{"wanted", func(t timeline) []float64 { return t.wanted }}, {"ready", func(t timeline) []float64 { return t.ready }}}
}

type side struct {
	name string
	of   func(timeline) []float64
}

func (r recording) write(ctx context.Context, v *validation, in io.Reader) error {
	v.printf(labWhat, r.flags["weights"], r.flags["warmup"], 100*r.number("jitter"), r.flags["scrape-interval"])
	v.command("flyball validate --only lab")
	t := table{header: []string{
		"load", "replicas", "within one", "least", "two seeds", "phases unknown", "mean, lab", "mean, simulated", "cut, lab", "cut, simulated",
	}}
	var drawn strings.Builder
	for _, run := range r.runs {
		same, err := r.replay(ctx, run, &run.phases, in)
		if err != nil {
			return fmt.Errorf("%s: %w", run.shape, err)
		}
		unknown, err := r.replay(ctx, run, nil, in)
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

const labWhat = `The guide's manifest, as it stands in ` + "`examples/guide`" + `, on the lab's real KEDA, HPA, KServe and Prometheus, and simulated
under the same arrivals: three services side by side in one lab, each under a load of its own. HPA, KEDA and windows are as
the guide has them; pods take %s for their weights and %s to warm up, each ± %.0f %%, and are scraped every %s. Second 0 is
when the load begins. ` + "`make compare`" + ` records it anew, in a quarter of an hour.

"Within one" is the share of seconds in which the simulated replicas are within one of the lab's: the mean of ten seeds, and
the least. The simulator is told the lab's phases, when the HPA syncs and when Prometheus scrapes. What is left to the seeds
is how long starts take, and which pod a scale-in ends; its requests are cut, as the guide's runtime does not drain. "Two
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
	line("wanted lab", run.replicas.wanted)
	line("       simulated", simulated.wanted)
	line("ready  lab", run.replicas.ready)
	line("       simulated", simulated.ready)
	return text + b.String() + "\n"
}
