package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"flyball.dev/flyball/internal/hint"
	"flyball.dev/flyball/internal/plant"
	"flyball.dev/flyball/internal/scenario"
	"flyball.dev/flyball/internal/score"
	"flyball.dev/flyball/internal/workload"
)

// simulateOptions are the flags of flyball simulate.
type simulateOptions struct {
	laws, objectives                      []string
	scenario, workload, profile, profiles string
	replicas, html, output                string
	seeds, start                          int
}

func newSimulate(s *streams) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Say what an autoscaler would do: attainment, replicas and cost, simulated",
		Long: `Run laws against a workload on a simulated fleet: vLLM's scheduler with calibrated step
times, cold starts, finite GPUs, and the metric path between (scrapes, PromQL, KEDA's
polling, the HPA's sync). What scales are laws by name (--law), or those of the
scenario; what arrives and on what is a scenario, or a workload and a profile.

All numbers are simulated. Attainment is the share of requests that meet every
objective; ± is the 95 % confidence interval over the seeds. EXCESS is how many more
GPU-hours a law takes than the frontier of all laws here for the same attainment; static
and oracle know the future and are not counted as laws. Exit code 1: an expectation of
the scenario does not hold.`,
		Example: `  flyball simulate --law keda:target=1 --workload azure2023-conv --html report.html
  flyball simulate --law hpa --law kpa --scenario staged-ramp --seeds 10
  flyball simulate --law keda:target=8 --workload poisson:rate=5,duration=30m --profile qwen3-14b-h100`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, s) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&o.laws, "law", nil, "law, as NAME or NAME:KEY=VALUE,… (flyball laws lists them); repeat to compare")
	fl.StringVar(&o.scenario, "scenario", "", "name or file of a scenario: "+strings.Join(scenario.Library(), ", "))
	fl.StringVar(&o.workload, "workload", "", "what arrives, as for flyball workload describe")
	fl.StringVar(&o.profile, "profile", "qwen3-14b-h100", "model and GPU, as flyball profiles lists them")
	fl.StringVar(&o.profiles, "profiles", "", "file with profiles of your own, as flyball profiles show -o yaml prints them")
	fl.StringArrayVar(&o.objectives, "objective", []string{"ttft:p90:3s", "tpot:p90:100ms"}, "METRIC:pQUANTILE:TARGET")
	fl.StringVar(&o.replicas, "replicas", "", "bounds of laws by name, as 1..8 (default 1..8)")
	fl.IntVar(&o.start, "start", -1, "replicas that are ready at the start (default: the minimum)")
	fl.IntVar(&o.seeds, "seeds", 3, "how often each law is run, each time with other arrivals and cold starts")
	fl.StringVar(&o.html, "html", "", "write a report to this file")
	outputFlag(cmd, &o.output, "table", "wide", "json", "csv")
	cmd.MarkFlagsMutuallyExclusive("scenario", "workload")
	cmd.MarkFlagsOneRequired("scenario", "workload")
	cmd.MarkFlagsMutuallyExclusive("scenario", "profile")
	cmd.MarkFlagsMutuallyExclusive("scenario", "replicas")
	cmd.MarkFlagsMutuallyExclusive("scenario", "start")
	return cmd
}

// contender is one row: a law, and its results by seed.
type contender struct {
	name    string
	build   scenario.Builder
	results []score.Result
	points  []scenario.Point // of the first seed
}

// hindsight says that a law knows what none can.
func hindsight(law string) bool {
	name, _, _ := strings.Cut(law, ":")
	return name == "static" || name == "oracle"
}

func (o *simulateOptions) run(cmd *cobra.Command, s *streams) error {
	if o.seeds < 1 || o.seeds > 1000 {
		return fmt.Errorf("--seeds: %d, must be from 1 to 1000", o.seeds)
	}
	f, err := o.file(s.in)
	if err != nil {
		return err
	}
	contenders, err := o.contenders(f)
	if err != nil {
		return err
	}
	f.Setup.Draw = o.html != ""
	if err := warnOfOverload(s.err, f); err != nil {
		return err
	}
	if err := runAll(cmd.Context(), s.err, f.Setup, contenders, o.seeds); err != nil {
		return err
	}
	if err := o.print(s.out, f, contenders); err != nil {
		return err
	}
	if o.html != "" {
		if err := o.report(f, contenders); err != nil {
			return err
		}
	}
	return o.check(s.err, f, contenders)
}

// file is the scenario that was named, or the one that the flags describe.
func (o *simulateOptions) file(in io.Reader) (scenario.File, error) {
	all, err := findProfiles(o.profiles, in)
	if err != nil {
		return scenario.File{}, err
	}
	env := scenario.Env{
		Workload: func(text string) (workload.Workload, error) { return findWorkload(text, in) },
		Profile:  func(name string) (plant.Profile, error) { return all.Find(name, 0) },
	}
	if o.scenario == "" {
		return scenario.Parse("flags", o.text(), env)
	}
	text, err := scenario.Text(o.scenario)
	if err != nil {
		bytes, readErr := os.ReadFile(o.scenario)
		switch {
		case errors.Is(readErr, os.ErrNotExist):
			return scenario.File{}, hint.With(err, "or name a file")
		case readErr != nil:
			return scenario.File{}, fmt.Errorf("--scenario: %w", readErr)
		}
		text = string(bytes)
	}
	return scenario.Parse(o.scenario, text, env)
}

// text is the scenario that the flags describe.
func (o *simulateOptions) text() string {
	replicas := o.replicas
	if replicas == "" {
		replicas = "1..8"
	}
	if o.start >= 0 {
		replicas += fmt.Sprintf(" from %d", o.start)
	}
	lines := []string{"workload " + o.workload, "profile " + o.profile, "replicas " + replicas}
	for _, objective := range o.objectives {
		lines = append(lines, "objective "+objective)
	}
	return strings.Join(lines, "\n")
}

// contenders are the laws to run: those named, or else the scenario's.
func (o *simulateOptions) contenders(f scenario.File) ([]*contender, error) {
	laws := o.laws
	if len(laws) == 0 {
		laws = f.Laws
	}
	if len(laws) == 0 {
		return nil, hint.With(errors.New("nothing that scales"), "name a law: --law hpa")
	}
	var all []*contender
	for _, l := range laws {
		all = append(all, &contender{name: l, build: scenario.Named(f.Bounded(l))})
	}
	return all, nil
}

// runAll runs every law under every seed, on all cores.
func runAll(ctx context.Context, progress io.Writer, setup scenario.Setup, contenders []*contender, seeds int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	done := newCount(progress, len(contenders)*seeds)
	defer done.clear()
	for _, c := range contenders {
		c.results = make([]score.Result, seeds)
		for i := range seeds {
			group.Go(func() error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				s := setup
				s.Draw = setup.Draw && i == 0
				out, err := scenario.Run(s, c.build, uint64(i)+1)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				c.results[i] = out.Result
				if i == 0 {
					c.points = out.Points
				}
				done.add()
				return nil
			})
		}
	}
	return group.Wait()
}

// check says which expectations of the scenario do not hold.
func (o *simulateOptions) check(w io.Writer, f scenario.File, contenders []*contender) error {
	failed := false
	for _, e := range f.Expects {
		for _, c := range contenders {
			if c.name != e.Law {
				continue
			}
			if said := e.Check(c.results); said != "" {
				failed = true
				if _, err := fmt.Fprintln(w, said); err != nil {
					return err
				}
			}
		}
	}
	if failed {
		return errNo
	}
	return nil
}
