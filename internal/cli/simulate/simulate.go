package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/workload"
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
	nodes, coldStart, price               string
	compare                               bool
	seeds, start                          int
	past                                  pastOptions
}

// New is the command.
func New(s *terminal.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "simulate [--compare BEFORE AFTER]",
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
and oracle know the future and are not counted as laws. Exit code 1: an expectation, of
--expect or of the scenario, does not hold: a gate for CI.`,
		Example: `  flyball simulate -f examples/guide --workload azure2023-conv --html report.html
  flyball simulate -f service.yaml --law hpa --law kpa --workload aibrix-8min
  flyball simulate -f service.yaml --workload azure2023-conv --expect 'attainment >= 0.95'
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
	fl.StringVar(&o.service, "service", "", "which service of the manifests, or of the Prometheus, as NAMESPACE/NAME, if there are several")
	fl.StringArrayVar(&o.laws, "law", nil, "law, as NAME or NAME:KEY=VALUE,… (flyball laws lists them); repeat to compare")
	fl.StringVar(&o.scenario, "scenario", "", "name or file of a scenario: "+strings.Join(scenario.Library(), ", "))
	fl.StringVar(&o.workload, "workload", "", "what arrives, as for flyball workload describe")
	fl.StringVar(&o.profile, "profile", "", "model and GPU, as flyball profiles lists them (default that of the manifests' model, or "+simulate.DefaultProfile+")")
	fl.StringVar(&o.profiles, "profiles", "", "file with profiles of your own, as flyball profiles show -o yaml prints them")
	fl.StringArrayVar(&o.objectives, "objective", nil, "METRIC:pQUANTILE:TARGET, all with one quantile: the share of requests that is promised to meet them all (default those of the scenario, or ttft:p90:3s and tpot:p90:100ms)")
	fl.StringVar(&o.replicas, "replicas", "", "bounds of laws by name, as 1..8 (default those of the manifests, or 1..8)")
	fl.IntVar(&o.start, "start", -1, "replicas that are ready at the start (default: the minimum)")
	fl.StringVar(&o.nodes, "nodes", "", "nodes and their GPUs, as 4x8 (default as many as the maximum needs)")
	fl.StringVar(&o.coldStart, "cold-start", "", "phases of a start in place of the profile's: schedule, pull, load, compile and ready, as pull=3m,load=90s, or pulled")
	fl.StringVar(&o.price, "price", "", "of a GPU for an hour, as 2.50 or 2.50EUR (default the profile's, in USD)")
	fl.BoolVar(&o.compare, "compare", false, "the manifests BEFORE against those AFTER, each besides what -f names")
	fl.IntVar(&o.seeds, "seeds", 3, "how often each law is run, each time with other arrivals and cold starts")
	fl.StringArrayVar(&o.expects, "expect", nil, "a bound whose failure is exit code 1, as 'attainment >= 0.95', with a law before it if it is of one only; may be repeated")
	fl.StringVar(&o.html, "html", "", "write a report to this file")
	terminal.OutputFlag(cmd, &o.output, "table", "wide", "json", "yaml", "csv")
	o.past.flags(fl)
	cmd.MarkFlagsMutuallyExclusive("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsOneRequired("scenario", "workload", "from-prometheus")
	cmd.MarkFlagsMutuallyExclusive("scenario", "profile")
	cmd.MarkFlagsMutuallyExclusive("scenario", "replicas")
	cmd.MarkFlagsMutuallyExclusive("scenario", "start")
	cmd.MarkFlagsMutuallyExclusive("scenario", "nodes")
	cmd.MarkFlagsMutuallyExclusive("scenario", "cold-start")
}

func (o *options) run(cmd *cobra.Command, s *terminal.Streams, compared []string) error {
	if o.seeds < 1 || o.seeds > 1000 {
		return fmt.Errorf("--seeds: %d, must be from 1 to 1000", o.seeds)
	}
	if err := terminal.Writable("--html", o.html); err != nil {
		return err
	}
	ctx := cmd.Context()
	c, err := promptly(ctx, func() (*prepared, error) { return o.prepareAll(cmd, s.In, compared) })
	if err != nil {
		return err
	}
	for _, line := range c.said {
		if _, err := fmt.Fprintln(s.Err, line); err != nil {
			return err
		}
	}
	c.Setup.Draw = o.html != ""
	done := terminal.NewCount(s.Err, len(c.Contenders)*o.seeds)
	err = c.Run(ctx, o.seeds, done.Add)
	done.Clear()
	switch {
	case errors.Is(err, simulate.ErrInterrupted) && len(c.Contenders) > 0:
		return errors.Join(o.print(s.Out, c.Comparison), hint.With(err, "the rows are of the runs that had ended"))
	case err != nil:
		return err
	}
	return o.tell(s, c.Comparison)
}

// tell prints what came out, and says what was expected of it and is not so.
func (o *options) tell(s *terminal.Streams, c *simulate.Comparison) error {
	if err := o.print(s.Out, c); err != nil {
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

// promptly gives up waiting when the context ends: what is read and measured before the
// runs looks at no context.
func promptly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%w before the first run", simulate.ErrInterrupted)
	}
}

// prepared is a comparison, and what is to be known of it before it runs.
type prepared struct {
	*simulate.Comparison
	said []string
}

// prepareAll is of what -f and --law name or, with --compare, of that with either of two
// manifests more.
func (o *options) prepareAll(cmd *cobra.Command, stdin io.Reader, compared []string) (*prepared, error) {
	if len(compared) == 0 {
		return o.prepare(cmd, stdin)
	}
	files := o.files.Paths
	var both [2]*prepared
	for i, name := range compared {
		o.files.Paths = append(slices.Clip(files), name)
		var err error
		if both[i], err = o.prepare(cmd, stdin); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	both[0].Against(both[1].Comparison, compared[0], compared[1])
	for _, line := range both[1].said {
		if !slices.Contains(both[0].said, line) {
			both[0].said = append(both[0].said, line)
		}
	}
	return both[0], nil
}

func (o *options) prepare(cmd *cobra.Command, stdin io.Reader) (*prepared, error) {
	in, err := o.inputs(stdin)
	if err != nil {
		return nil, err
	}
	var p prepared
	if p.said, err = o.readPast(cmd, in.Plan); err != nil {
		return nil, err
	}
	f, err := o.file(in)
	if err != nil {
		return nil, err
	}
	for _, text := range o.expects {
		e, err := scenario.ParseExpectation(text)
		if err != nil {
			return nil, fmt.Errorf("--expect %q: %w", text, err)
		}
		f.Expects = append(f.Expects, e)
	}
	if p.Comparison, err = in.Compare(cmd.Context(), f); err != nil {
		return nil, err
	}
	notes, err := p.Notes()
	if err != nil {
		return nil, err
	}
	for _, line := range notes {
		p.said = append(p.said, "note: "+strings.TrimSpace(line))
	}
	overload, err := simulate.Overload(p.File)
	if overload != "" {
		p.said = append(p.said, "warning: "+overload)
	}
	return &p, err
}

// inputs are what scales, and what names stand for.
func (o *options) inputs(stdin io.Reader) (simulate.Inputs, error) {
	in := simulate.Inputs{Laws: o.laws, Workload: func(text string) (workload.Workload, error) { return input.Workload(text, stdin) }}
	for _, l := range o.laws {
		if _, err := input.Law(l); err != nil {
			return in, err
		}
	}
	if len(o.files.Paths) > 0 {
		files, err := o.files.Read(stdin)
		if err != nil {
			return in, err
		}
		docs, err := manifest.ReadAll(files)
		if err != nil {
			return in, err
		}
		plan, err := policy.Read(docs, policy.Options{Name: o.service, Ignore: o.ignored})
		if err != nil {
			return in, err
		}
		in.Plan = &plan
	}
	var err error
	if in.Price, err = parsePrice(o.price); err != nil {
		return in, err
	}
	in.Profiles, err = input.Profiles(o.profiles, stdin)
	return in, err
}

// file is the scenario that was named, or the one that the flags describe.
func (o *options) file(in simulate.Inputs) (scenario.File, error) {
	if o.scenario == "" {
		load, err := o.load(in)
		if err != nil {
			return scenario.File{}, err
		}
		return in.Scenario(load)
	}
	text, err := scenario.Text(o.scenario)
	if err != nil {
		bytes, readErr := os.ReadFile(o.scenario)
		switch {
		case errors.Is(readErr, os.ErrNotExist):
			return scenario.File{}, hint.Meant(fmt.Errorf("no scenario %q, and no such file", o.scenario), o.scenario, scenario.Library(),
				"one of "+strings.Join(scenario.Library(), ", "))
		case readErr != nil:
			return scenario.File{}, fmt.Errorf("--scenario: %w", readErr)
		}
		text = string(bytes)
	}
	f, err := in.Parse(o.scenario, text)
	if err == nil && len(o.objectives) > 0 {
		f.Setup.Terms.Objectives, err = o.promised()
	}
	return f, err
}

// load is what the flags describe.
func (o *options) load(in simulate.Inputs) (l simulate.Load, err error) {
	l.Profile = o.profile
	if o.past.read != nil {
		l.Workload, err = o.past.read.Workload()
	} else {
		l.Workload, err = in.Workload(o.workload)
	}
	if err != nil {
		return l, err
	}
	if o.replicas != "" {
		least, most, err := scenario.ParseReplicas(o.replicas)
		if err != nil {
			return l, fmt.Errorf("--replicas: %w", err)
		}
		l.Replicas = &simulate.Bounds{Min: least, Max: most}
	}
	if o.start >= 0 {
		l.Start = &o.start
	}
	if l.Nodes, err = parseNodes(o.nodes); err != nil {
		return l, err
	}
	l.ColdStart = strings.FieldsFunc(o.coldStart, func(r rune) bool { return r == ',' || r == ' ' })
	if _, err := scenario.ParseColdStart(plant.ColdStart{}, l.ColdStart); err != nil {
		return l, fmt.Errorf("--cold-start: %w", err)
	}
	l.Objectives, err = o.promised()
	return l, err
}

// promised are the objectives of the flags, or without any those of the guide.
func (o *options) promised() ([]score.Objective, error) {
	texts := o.objectives
	if len(texts) == 0 {
		texts = []string{"ttft:p90:3s", "tpot:p90:100ms"}
	}
	var all []score.Objective
	for _, text := range texts {
		objective, err := score.ParseObjective(text)
		if err != nil {
			return nil, fmt.Errorf("--objective: %w", err)
		}
		all = append(all, objective)
	}
	if _, err := score.Promise(all); err != nil {
		return nil, fmt.Errorf("--objective: %w", err)
	}
	return all, nil
}

// parseNodes reads NUMBERxGPUS.
func parseNodes(text string) (*simulate.Nodes, error) {
	if text == "" {
		return nil, nil
	}
	number, gpus, _ := strings.Cut(text, "x")
	n, err := strconv.Atoi(number)
	g, gpusErr := strconv.Atoi(gpus)
	if err != nil || gpusErr != nil || n < 1 || g < 1 {
		return nil, hint.With(fmt.Errorf("--nodes: %q is no number of nodes and of their GPUs", text), "for example --nodes 4x8: four nodes of eight GPUs")
	}
	return &simulate.Nodes{Number: n, GPUs: g}, nil
}

// parsePrice reads a number, and the currency after it if it is not USD.
func parsePrice(text string) (*simulate.Price, error) {
	if text == "" {
		return nil, nil
	}
	number := strings.TrimRightFunc(text, unicode.IsLetter)
	currency := strings.ToUpper(text[len(number):])
	perHour, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(perHour >= 0) || perHour > 1e6 || len(currency) != 0 && len(currency) != 3 {
		return nil, hint.With(fmt.Errorf("--price: %q is no price of a GPU for an hour", text), "for example --price 2.50 or --price 2.50EUR")
	}
	return &simulate.Price{PerHour: perHour, Currency: cmp.Or(currency, "USD")}, nil
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

// Manifest is what flyball simulate makes, with these words, of a manifest on standard input.
func Manifest(ctx context.Context, words []string, text string) (simulate.Row, error) {
	var o options
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	o.flags(cmd)
	if err := cmd.ParseFlags(words); err != nil {
		return simulate.Row{}, err
	}
	c, err := o.prepare(cmd, strings.NewReader(text))
	if err != nil {
		return simulate.Row{}, err
	}
	if err := c.Run(ctx, o.seeds, func() {}); err != nil {
		return simulate.Row{}, err
	}
	return c.Rows()[0], nil
}
