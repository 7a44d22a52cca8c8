package catalog

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/workload"
)

func newWorkload(s *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "workload",
		Short:   "List and describe the workloads that can be simulated",
		Example: "  flyball workload list\n  flyball workload describe azure2023-conv",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWorkloadList(s), newWorkloadDescribe(s))
	return cmd
}

func newWorkloadList(s *terminal.Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the named workloads",
		Long:    "The named workloads. -o wide, json and yaml have what each name is short for.",
		Example: "  flyball workload list\n  flyball workload list -o wide",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			library := workload.Library()
			t := terminal.Table{Header: []string{"NAME", "ABOUT"}}
			if output == "wide" {
				t.Header = append(t.Header, "SPEC")
			}
			for _, e := range library {
				row := []string{e.Name, e.About}
				if output == "wide" {
					row = append(row, e.Spec)
				}
				t.Rows = append(t.Rows, row)
			}
			return terminal.PrintAs(s.Out, output, library, t)
		},
	}
	terminal.OutputFlag(cmd, &output, "table", "wide", "json", "yaml")
	return cmd
}

func newWorkloadDescribe(s *terminal.Streams) *cobra.Command {
	var output string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "describe NAME|FILE|KIND:KEY=VALUE,...",
		Short: "Print the rate, the burstiness and the lengths of a workload",
		Long: `A workload is a name of flyball workload list; a name with keys to change it; a file;
a kind with keys; or several of these with + between them, at once. - is standard input.

  kind          arrivals                          keys (besides scale and duration)
  poisson       independent of each other         rate, stages, or rates and series; from
  gamma         gaps with a coefficient of        the same, and cv
  weibull       variation, or all alike
  even
  bursts        Poisson at two rates in turn      rate, burst, every, lasting
  staged        as inference-perf sends them      stages, drain
  trace         as in a file                      file, from, speed

All kinds but trace take input and output (1000, 500..1500, or normal or lognormal with
:MEAN:DEVIATION:LOW:HIGH) or lengths (a file), and prefix and prefixes; all take timeout,
and cached (the share of each prompt that engines know) where nothing says what they share.
Files: CSV with arrival_s,input_tokens,output_tokens; Azure's, BurstGPT's, Mooncake's and
Qwen-Bailian's traces; inference-perf's configurations and request logs; what vllm bench
serve --save-detailed and aiperf (profile_export.jsonl) write; packed with gzip or not.`,
		Example: `  flyball workload describe azure2023-conv
  flyball workload describe azure2024-diurnal:scale=0.5,from=2d,duration=1d
  flyball workload describe poisson:rate=5,input=1000,output=250,duration=10m
  flyball workload describe trace.csv -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := input.Workload(args[0], s.In)
			if err != nil {
				return err
			}
			if err := w.Check(seed); err != nil {
				return err
			}
			d := workload.Describe(w, seed, sparkColumns)
			if output == "table" {
				return printDescription(s.Out, w, d)
			}
			return terminal.PrintAs(s.Out, output, d, terminal.Table{})
		},
	}
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of random draws; a trace is the same for every seed")
	terminal.OutputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}

// sparkColumns leaves room for the rate beside the line on 80 columns.
const sparkColumns = 60

func printDescription(out io.Writer, w workload.Workload, d workload.Description) error {
	facts := terminal.Table{Header: []string{"NAME", terminal.Shorten(d.Name, 60)}}
	add := func(name, format string, args ...any) {
		facts.Rows = append(facts.Rows, []string{name, fmt.Sprintf(format, args...)})
	}
	add("REQUESTS", "%d in %s", d.Requests, roundSpan(d.Seconds))
	add("RATE", "%.3g/s, at most %.3g/s in a minute", d.Rate, d.PeakRate)
	add("BURSTINESS", "index of dispersion %.3g, CV of gaps %.3g (Poisson: 1, 1)", d.Dispersion, d.GapCV)
	switch w.Alike {
	case workload.SomeAlike:
		add("PREFIXES", "%.1f %% of the prompt tokens were in an earlier prompt", 100*d.Reusable)
	case workload.UnknownAlike:
		add("PREFIXES", "not known, taken as 0 %%: cached=0.3 assumes a share of each prompt")
	case workload.NoneAlike:
	}
	if d.Drains > 0 {
		add("WAITS", "%d times until all requests have ended, not counted above", d.Drains)
	}
	if d.TimeoutSeconds > 0 {
		add("TIMEOUT", "%s", roundSpan(d.TimeoutSeconds))
	}
	tokens := terminal.Table{Header: []string{"TOKENS", "MEAN", "P50", "P90", "P95", "P99", "MAX"}}
	for _, side := range []struct {
		name string
		workload.Tokens
	}{{"input", d.Input}, {"output", d.Output}} {
		row := []string{side.name, fmt.Sprintf("%.0f", side.Mean)}
		for _, n := range []int{side.P50, side.P90, side.P95, side.P99, side.Max} {
			row = append(row, fmt.Sprint(n))
		}
		tokens.Rows = append(tokens.Rows, row)
	}
	if err := facts.Print(out); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	if err := tokens.Print(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s", spark(d.Rates))
	return err
}

// spark draws rates from 0 to the largest, with that beside it.
func spark(rates []float64) string {
	most := 0.0
	for _, r := range rates {
		most = max(most, r)
	}
	levels := []rune(" ▁▂▃▄▅▆▇█")
	var line strings.Builder
	for _, r := range rates {
		level := 0
		if r > 0 && most > 0 { // what arrives at all is seen
			level = max(1, int(math.Ceil(r/most*float64(len(levels)-1))))
		}
		line.WriteRune(levels[min(level, len(levels)-1)])
	}
	return fmt.Sprintf("%s %.3g/s at most\n", line.String(), most)
}

// roundSpan leaves out what nobody reads.
func roundSpan(seconds float64) string {
	unit := time.Millisecond
	if seconds >= 60 {
		unit = time.Second
	}
	d := time.Duration(seconds * float64(time.Second)).Round(unit)
	switch days, rest := d/(24*time.Hour), d%(24*time.Hour); {
	case days < 2:
		return d.String()
	case rest == 0:
		return fmt.Sprintf("%dd", days)
	default:
		return fmt.Sprintf("%dd%s", days, rest)
	}
}
