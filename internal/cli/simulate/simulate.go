package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// options are the flags of flyball simulate.
type options struct {
	files                                 input.Manifests
	laws, objectives                      []string
	service                               string
	ignored                               []string // arguments of vLLM
	scenario, workload, profile, profiles string
	replicas, html, output                string
	expects                               []string
	nodes, coldStart, price, order        string
	sweep                                 string
	compare                               bool
	seeds, start, episodes                int
	by, state, record                     string
	past                                  pastOptions
	begin                                 begin
}

// New is the command.
func New(s *terminal.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "simulate [--compare BEFORE AFTER]",
		Short: "Say what an autoscaler would do: attainment, replicas and cost, simulated",
		Long: `Run autoscalers against a workload on a simulated fleet: vLLM's scheduler with
calibrated step times, cold starts, a finite number of GPUs, and the metric path
(scrapes, PromQL, KEDA's polling, the HPA's sync). The autoscaler is what manifests
define (-f: any mix of InferenceService, InferenceAutoscaler, ScaledObject,
HorizontalPodAutoscaler, Deployment and StatefulSet), a law by name (--law), or those of a
scenario. The load is a workload on a profile of model and GPU, or that of a scenario; with
--from-prometheus it is what vLLM's own counters recorded of a service. Whatever in a
manifest matters and cannot be simulated is an error that names it.

All numbers are simulated. Attainment is the share of requests that meet every
objective; ± is the 95 % confidence interval over the seeds. EXCESS is by how much a law
takes more GPU-hours than the cheapest mix of the other laws here with the same attainment;
static, schedule and oracle know the future and are not counted. Exit code 1: an expectation
(--expect, or one of the scenario) does not hold, as a gate for CI.`,
		Example: `  flyball simulate -f examples/guide --workload azure2023-conv --html report.html
  flyball simulate -f service.yaml --law hpa --law kpa --workload aibrix-8min
  flyball simulate -f service.yaml --workload azure2023-conv --expect 'attainment >= 0.95'
  flyball simulate -f service.yaml --workload azure2023-conv --sweep target=4..48
  flyball simulate --compare now.yaml changed.yaml --workload azure2023-conv
  flyball simulate -f examples/objective --service demo/plain --workload azure2023-conv
  flyball simulate --law keda:target=1 --workload azure2023-conv
  flyball simulate --law hpa --law kpa --scenario staged-ramp --seeds 10
  flyball simulate --law keda:target=8 --workload poisson:rate=5,duration=30m --profile qwen3-14b-h100
  flyball simulate -f service.yaml --from-prometheus http://localhost:9090 --last 3d`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.compare {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, s, args) },
	}
	o.flags(cmd)
	return cmd
}

func (o *options) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	o.files.Flags(fl)
	fl.StringArrayVar(&o.ignored, "ignore-argument", nil, "go on as if the manifests did not give vLLM this argument; may be repeated")
	fl.Var(&o.begin, "begin", "day of the week and time, in the time zone of the manifests' cron triggers, at which the workload begins, like 'mon 08:00'")
	fl.StringVar(&o.service, "service", "", "which service of the manifests, or of the Prometheus, as NAMESPACE/NAME, if there are several")
	fl.StringArrayVar(&o.laws, "law", nil, "law, as NAME or NAME:KEY=VALUE,… (flyball laws lists them); repeat to compare")
	fl.StringVar(&o.scenario, "scenario", "", "name or file of a scenario: "+strings.Join(scenario.Library(), ", "))
	fl.StringVar(&o.workload, "workload", "", "what arrives, as for flyball workload describe")
	fl.StringVar(&o.profile, "profile", "", "model and GPU, as flyball profiles lists them (default that of the manifests' model, or "+simulate.DefaultProfile+")")
	fl.StringVar(&o.profiles, "profiles", "", "file with profiles of your own, as flyball profiles show -o yaml prints them")
	fl.StringArrayVar(&o.objectives, "objective", nil, "METRIC:pQUANTILE:TARGET, all with one quantile: the share of requests that is promised to meet them all (default those that the manifests state, or of the scenario, or ttft:p90:3s and tpot:p90:100ms)")
	fl.StringVar(&o.replicas, "replicas", "", "bounds of laws by name, as 1..8 (default those of the manifests, or 1..8)")
	fl.IntVar(&o.start, "start", -1, "replicas that are ready at the start (default: the minimum)")
	fl.StringVar(&o.nodes, "nodes", "", "nodes and their GPUs, as 4x8 (default as many as the maximum needs)")
	fl.StringVar(&o.coldStart, "cold-start", "", "phases of a start in place of the profile's: schedule, pull, load, compile and ready, as pull=3m,load=90s, or pulled")
	fl.StringVar(&o.order, "order", "", "order of the requests that wait in front of the replicas: arrival sends them once a replica is ready, promise once one has room, first those that can still meet their TTFT (default the scenario's, or arrival)")
	fl.StringVar(&o.price, "price", "", "price of a GPU-hour, as 2.50 or 2.50EUR (default the profile's, in USD)")
	fl.BoolVar(&o.compare, "compare", false, "the manifests BEFORE against those AFTER, each besides what -f names")
	fl.StringVar(&o.sweep, "sweep", "", "values to try, as target=4..48, of the manifests' target or of a parameter of the one law: which is the cheapest that keeps the promise?")
	fl.IntVar(&o.seeds, "seeds", 3, "how often each law is run, each time with other arrivals and cold starts")
	fl.IntVar(&o.episodes, "episodes", 1, "how often each run is repeated, with other arrivals and what the law remembers of those before; each is reported")
	fl.StringVar(&o.by, "by", "", "day: report every day by itself too, from midnight to midnight of the workload")
	fl.StringVar(&o.state, "state", "", "a file that laws begin with what they remember from, if it is there, and leave it in after the first seed")
	fl.StringVar(&o.record, "record", "", "write the record of each law's first seed to this file, compressed: what flyball why and flyball replay read")
	fl.StringArrayVar(&o.expects, "expect", nil, "a bound whose failure is exit code 1, as 'attainment >= 0.95', with a law before it if it is of one only; may be repeated")
	fl.StringVar(&o.html, "html", "", "write a report to this file")
	terminal.OutputFlag(cmd, &o.output, "table", "wide", "json", "yaml", "csv")
	o.past.flags(fl)
	complete(cmd)
	cmd.MarkFlagsMutuallyExclusive("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsOneRequired("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsMutuallyExclusive("scenario", "profile")
	cmd.MarkFlagsMutuallyExclusive("scenario", "replicas")
	cmd.MarkFlagsMutuallyExclusive("scenario", "start")
	cmd.MarkFlagsMutuallyExclusive("scenario", "nodes")
	cmd.MarkFlagsMutuallyExclusive("scenario", "cold-start")
	cmd.MarkFlagsMutuallyExclusive("sweep", "compare", "expect")
	cmd.MarkFlagsMutuallyExclusive("sweep", "state")
	cmd.MarkFlagsMutuallyExclusive("sweep", "record")
}

func (o *options) run(cmd *cobra.Command, s *terminal.Streams, compared []string) error {
	if err := o.check(); err != nil {
		return err
	}
	for _, file := range [][2]string{{"--html", o.html}, {"--record", o.record}} {
		if err := terminal.Writable(file[0], file[1]); err != nil {
			return err
		}
	}
	run := o.compareAll
	if o.sweep != "" {
		run = o.sweepAll
	}
	c, err := run(cmd, s, compared)
	switch {
	case errors.Is(err, simulate.ErrInterrupted) && c != nil && len(c.Contenders) > 0:
		return errors.Join(o.print(s.Out, c), hint.With(err, "the rows are of the runs that had ended"))
	case err != nil:
		return err
	}
	return o.tell(s, c)
}

// check refuses what no run can be made of.
func (o *options) check() error {
	for _, n := range []struct {
		flag  string
		value int
	}{{"seeds", o.seeds}, {"episodes", o.episodes}} {
		if n.value < 1 || n.value > 1000 {
			return fmt.Errorf("--%s: %d, must be from 1 to 1000", n.flag, n.value)
		}
	}
	if o.by != "" && o.by != "day" {
		return hint.With(fmt.Errorf("--by: %q", o.by), "day is all that results are cut by")
	}
	return nil
}

// faults says of which rows the figures say nothing. It is an error if that is so of what was
// asked for.
func faults(w io.Writer, c *simulate.Comparison) error {
	faults, warnings, whole := c.Faults()
	if whole {
		return errors.Join(faults...)
	}
	for _, err := range faults {
		warnings = append(warnings, err.Error())
	}
	for i := range warnings {
		warnings[i] = "warning: " + warnings[i]
	}
	return say(w, warnings)
}

// compareAll runs what is named.
func (o *options) compareAll(cmd *cobra.Command, s *terminal.Streams, compared []string) (*simulate.Comparison, error) {
	ctx := cmd.Context()
	c, err := promptly(ctx, func() (*prepared, error) { return o.prepareAll(cmd, s.In, compared) })
	if err != nil {
		return nil, err
	}
	return o.runAll(ctx, s, c)
}

// runAll runs what is prepared, under every seed.
func (o *options) runAll(ctx context.Context, s *terminal.Streams, c *prepared) (_ *simulate.Comparison, err error) {
	if err := say(s.Err, c.said); err != nil {
		return nil, err
	}
	c.Setup.Draw, c.Record = o.html != "", o.record != ""
	if c.Pasts, err = o.remembered(); err != nil {
		return nil, err
	}
	all := len(c.Contenders) * o.seeds
	if c.Searches() {
		all = 0
	}
	done := terminal.NewCount(s.Err, all)
	defer done.Clear()
	if err := c.Run(ctx, o.seeds, done.Add); err != nil {
		return c.Comparison, err
	}
	return c.Comparison, o.keep(c.Comparison)
}

// keep writes what --state and --record name.
func (o *options) keep(c *simulate.Comparison) error {
	if err := o.remember(c); err != nil || o.record == "" {
		return err
	}
	return terminal.WriteWhole(o.record, c.WriteRecord)
}

// sweepAll runs values of --sweep.
func (o *options) sweepAll(cmd *cobra.Command, s *terminal.Streams, _ []string) (*simulate.Comparison, error) {
	ctx := cmd.Context()
	var variant func(string) (*prepared, error)
	sweep, err := promptly(ctx, func() (sweep simulate.Sweep, err error) {
		sweep, variant, err = o.sweeps(cmd, s.In)
		return sweep, err
	})
	if err != nil {
		return nil, err
	}
	done := terminal.NewCount(s.Err, 0)
	defer done.Clear()
	said := false
	return sweep.Run(ctx, func(value string) (*simulate.Comparison, error) {
		c, err := promptly(ctx, func() (*prepared, error) { return variant(value) })
		if err != nil {
			return nil, err
		}
		c.Setup.Draw = o.html != ""
		if said {
			return c.Comparison, nil
		}
		said = true
		return c.Comparison, say(s.Err, c.said)
	}, o.seeds, done.Add)
}

func say(w io.Writer, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// tell prints what came out, and says what was expected of it and is not so.
func (o *options) tell(s *terminal.Streams, c *simulate.Comparison) error {
	if err := o.print(s.Out, c); err != nil {
		return err
	}
	if err := faults(s.Err, c); err != nil {
		return err
	}
	if err := o.verdict(s.Err, c); err != nil {
		return err
	}
	if o.html != "" {
		if err := o.report(c); err != nil {
			return err
		}
	}
	return unexpected(s.Err, c)
}

// unexpected says which expectations of the scenario do not hold.
func unexpected(w io.Writer, c *simulate.Comparison) error {
	said := c.Unexpected()
	for _, line := range said {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if len(said) > 0 {
		return terminal.ErrNo
	}
	return nil
}
