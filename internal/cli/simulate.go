package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// simulateOptions are the flags of flyball simulate.
type simulateOptions struct {
	files                                 manifests
	laws, objectives                      []string
	service                               string
	scenario, workload, profile, profiles string
	replicas, html, output                string
	seeds, start                          int
	past                                  pastOptions
}

// defaultProfile is that of the guide.
const defaultProfile = "qwen3-14b-h100"

func newSimulate(s *streams) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Say what an autoscaler would do: attainment, replicas and cost, simulated",
		Long: `Run autoscalers against a workload on a simulated fleet: vLLM's scheduler with
calibrated step times, cold starts, finite GPUs, and the metric path between (scrapes,
PromQL, KEDA's polling, the HPA's sync). What scales is what manifests say (-f: any mix of
InferenceService, ScaledObject, HorizontalPodAutoscaler and Deployment), laws by name
(--law), or those of the scenario; what arrives and on what is a scenario, or a workload
and a profile. With --from-prometheus arrives what vLLM's own counters say of the last
time of a service. What of a manifest is not simulated is an error that names it.

All numbers are simulated. Attainment is the share of requests that meet every
objective; ± is the 95 % confidence interval over the seeds. EXCESS is how many more
GPU-hours a law takes than the frontier of all laws here for the same attainment; static
and oracle know the future and are not counted as laws. Exit code 1: an expectation of
the scenario does not hold.`,
		Example: `  flyball simulate -f examples/guide --workload azure2023-conv --html report.html
  flyball simulate -f service.yaml --law hpa --law kpa --workload aibrix-8min
  flyball simulate --law keda:target=1 --workload azure2023-conv
  flyball simulate --law hpa --law kpa --scenario staged-ramp --seeds 10
  flyball simulate --law keda:target=8 --workload poisson:rate=5,duration=30m --profile qwen3-14b-h100
  flyball simulate -f service.yaml --from-prometheus http://localhost:9090 --last 3d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, s) },
	}
	o.flags(cmd)
	return cmd
}

func (o *simulateOptions) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	o.files.flags(fl)
	fl.StringVar(&o.service, "service", "", "which service of the manifests, or of the Prometheus, as NAMESPACE/NAME, if there are several")
	fl.StringArrayVar(&o.laws, "law", nil, "law, as NAME or NAME:KEY=VALUE,… (flyball laws lists them); repeat to compare")
	fl.StringVar(&o.scenario, "scenario", "", "name or file of a scenario: "+strings.Join(scenario.Library(), ", "))
	fl.StringVar(&o.workload, "workload", "", "what arrives, as for flyball workload describe")
	fl.StringVar(&o.profile, "profile", "", "model and GPU, as flyball profiles lists them (default that of the manifests' model, or "+defaultProfile+")")
	fl.StringVar(&o.profiles, "profiles", "", "file with profiles of your own, as flyball profiles show -o yaml prints them")
	fl.StringArrayVar(&o.objectives, "objective", []string{"ttft:p90:3s", "tpot:p90:100ms"}, "METRIC:pQUANTILE:TARGET")
	fl.StringVar(&o.replicas, "replicas", "", "bounds of laws by name, as 1..8 (default those of the manifests, or 1..8)")
	fl.IntVar(&o.start, "start", -1, "replicas that are ready at the start (default: the minimum)")
	fl.IntVar(&o.seeds, "seeds", 3, "how often each law is run, each time with other arrivals and cold starts")
	fl.StringVar(&o.html, "html", "", "write a report to this file")
	outputFlag(cmd, &o.output, "table", "wide", "json", "csv")
	o.past.flags(fl)
	cmd.MarkFlagsMutuallyExclusive("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsOneRequired("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsMutuallyExclusive("scenario", "profile")
	cmd.MarkFlagsMutuallyExclusive("scenario", "replicas")
	cmd.MarkFlagsMutuallyExclusive("scenario", "start")
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
	f, contenders, err := o.prepare(cmd, s)
	if err != nil {
		return err
	}
	f.Setup.Draw = o.html != ""
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

// prepare reads what is to be run, and says what is to be known of it before.
func (o *simulateOptions) prepare(cmd *cobra.Command, s *streams) (scenario.File, []*contender, error) {
	var p *policy.Service
	if len(o.files.paths) > 0 {
		var err error
		if p, err = readPlan(o.files, o.service, s.in); err != nil {
			return scenario.File{}, nil, err
		}
	}
	if err := o.readPast(cmd, s.err, p); err != nil {
		return scenario.File{}, nil, err
	}
	f, err := o.file(s.in, p)
	if err != nil {
		return f, nil, err
	}
	contenders, err := o.contenders(cmd.Context(), &f, p)
	if err != nil {
		return f, nil, err
	}
	if p != nil {
		if err := explainPlan(s.err, p, f); err != nil {
			return f, nil, err
		}
	}
	return f, contenders, warnOfOverload(s.err, f)
}

// file is the scenario that was named, or the one that the flags describe.
func (o *simulateOptions) file(in io.Reader, p *policy.Service) (scenario.File, error) {
	env, profile, err := o.env(in, p)
	if err != nil {
		return scenario.File{}, err
	}
	if o.scenario == "" {
		return scenario.Parse("flags", o.text(profile, p), env)
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

// env is what names in a scenario stand for, and the profile where it names none.
func (o *simulateOptions) env(in io.Reader, p *policy.Service) (env scenario.Env, profile string, err error) {
	all, err := findProfiles(o.profiles, in)
	if err != nil {
		return env, "", err
	}
	env = scenario.Env{
		Workload: func(text string) (workload.Workload, error) { return findWorkload(text, in) },
		Profile:  func(name string) (plant.Profile, error) { return all.Find(name, 0) },
	}
	if o.past.read != nil {
		env.Workload = func(string) (workload.Workload, error) { return o.past.read.Workload() }
	}
	profile = cmp.Or(o.profile, defaultProfile)
	if p != nil {
		profile = cmp.Or(o.profile, profileFor(p.Engine, all))
		env.Profile = func(name string) (plant.Profile, error) { return withArguments(p.Engine, all, name) }
	}
	return env, profile, nil
}

// text is the scenario that the flags describe.
func (o *simulateOptions) text(profile string, p *policy.Service) string {
	replicas := o.replicas
	switch {
	case replicas != "":
	case p != nil:
		replicas = fmt.Sprintf("%d..%d", p.Min, p.Max)
	default:
		replicas = "1..8"
	}
	if o.start >= 0 {
		replicas += fmt.Sprintf(" from %d", o.start)
	}
	lines := []string{"workload " + o.workload, "profile " + profile, "replicas " + replicas}
	for _, objective := range o.objectives {
		lines = append(lines, "objective "+objective)
	}
	return strings.Join(lines, "\n")
}

// contenders are what to run: what the manifests say, and the laws that are named, or
// else the scenario's.
func (o *simulateOptions) contenders(ctx context.Context, f *scenario.File, p *policy.Service) ([]*contender, error) {
	var all []*contender
	laws := o.laws
	switch {
	case p != nil:
		own, err := adopt(ctx, f, p)
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	case len(laws) == 0:
		laws = f.Laws
	}
	if len(laws)+len(all) == 0 {
		return nil, hint.With(errors.New("nothing that scales"), "give manifests with -f, or name a law: --law hpa")
	}
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
