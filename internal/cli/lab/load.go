package lab

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/load"
)

// loadFlags are the words of the command line, before they mean anything.
type loadFlags struct {
	url, model, api, arrivals, stages, trace, output string
	rate                                             float64
	duration, timeout                                time.Duration
	inputTokens, outputTokens, maxInFlight           int
	seed                                             uint64
}

func newLoad(s *terminal.Streams) *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use:   "load --url URL --model NAME",
		Short: "Send open-loop load to an OpenAI-compatible endpoint and check every answer",
		Long: `Requests arrive at their own times, whatever the server does, and latencies count
from the scheduled arrival. Every answer is streamed and checked to its end: token
count, finish_reason, [DONE]. Prompts are random words, about one token each.
Names of Services go through the lab's proxy where flyball up runs (FLYBALL_PROXY);
otherwise HTTP_PROXY is honoured. Ctrl-C ends the load early; its aborted requests are not lost ones.
Exit code 1 means that requests were lost.`,
		Example: `  flyball load --url http://llama-predictor.demo.svc/v1 --model Qwen/Qwen3-14B --rate 4 --duration 2m
  flyball load --url http://127.0.0.1:8000/v1 --model llama --stages 60s:1,120s:5,60s:1 -o json
  flyball load --url http://127.0.0.1:8000/v1 --model llama --trace arrivals.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config()
			if err != nil {
				return err
			}
			live := newLiveLine(s.Err)
			result, err := load.Run(cmd.Context(), cfg, live.show)
			live.clear()
			if err != nil {
				return err
			}
			if err := printResult(s.Out, f.output, result); err != nil {
				return err
			}
			if result.Outcomes.Lost() > 0 {
				return terminal.ErrNo
			}
			return nil
		},
	}
	f.register(cmd)
	return cmd
}

func (f *loadFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "url", "", "base URL of the API, as an OpenAI client takes it; without a path, /v1 is meant")
	flags.StringVar(&f.model, "model", "", "served model name")
	flags.StringVar(&f.api, "api", "chat", "chat or completions")
	flags.Float64Var(&f.rate, "rate", 1, "requests per second")
	flags.DurationVar(&f.duration, "duration", time.Minute, "how long to send requests; 0 = until Ctrl-C")
	flags.StringVar(&f.stages, "stages", "", "stages of DURATION:RATE in place of --rate and --duration, as 60s:1,120s:5")
	flags.StringVar(&f.trace, "trace", "", "CSV file with arrival_s, input_tokens and output_tokens in place of stages and sizes")
	flags.StringVar(&f.arrivals, "arrivals", "poisson", "poisson or constant")
	flags.IntVar(&f.inputTokens, "input-tokens", 256, "length of each prompt in words, about a token each")
	flags.IntVar(&f.outputTokens, "output-tokens", 128, "tokens to ask for")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of arrivals and prompts; the same seed sends the same load")
	flags.IntVar(&f.maxInFlight, "max-in-flight", 1024, "requests at a time; more of them wait, and their wait counts as latency")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Minute, "how long one request may take")
	terminal.OutputFlag(cmd, &f.output, "table", "json", "yaml")
	for _, name := range []string{"url", "model"} {
		_ = cmd.MarkFlagRequired(name) // errs on a name that is no flag
	}
	for _, other := range []string{"rate", "duration"} {
		cmd.MarkFlagsMutuallyExclusive("stages", other)
	}
	for _, other := range []string{"rate", "duration", "stages", "arrivals", "input-tokens", "output-tokens"} {
		cmd.MarkFlagsMutuallyExclusive("trace", other)
	}
}

func (f *loadFlags) config() (load.Config, error) {
	api, err := load.ParseAPI(f.api)
	if err != nil {
		return load.Config{}, fmt.Errorf("--api: %w", err)
	}
	pacer, err := f.pacer()
	if err != nil {
		return load.Config{}, err
	}
	proxy, err := serviceProxy(f.url)
	if err != nil {
		return load.Config{}, err
	}
	return load.Config{
		URL: f.url, Proxy: proxy, Model: f.model, API: api, Pacer: pacer, MaxInFlight: f.maxInFlight, Timeout: f.timeout,
	}, nil
}

// serviceProxy is the lab's, for the name of a Service: no other knows it here.
func serviceProxy(address string) (string, error) {
	if u, err := url.Parse(address); err == nil && strings.HasSuffix(strings.TrimSuffix(u.Hostname(), ".cluster.local"), ".svc") {
		return access.LabSetting("FLYBALL_PROXY")
	}
	return "", nil // load says what is wrong with an address
}

func (f *loadFlags) pacer() (load.Pacer, error) {
	process, err := load.ParseProcess(f.arrivals)
	if err != nil {
		return load.Pacer{}, fmt.Errorf("--arrivals: %w", err)
	}
	p := load.Pacer{Process: process, Seed: f.seed, InputTokens: f.inputTokens, OutputTokens: f.outputTokens}
	switch {
	case f.trace != "":
		p.Trace, err = readTraceFile(f.trace)
	case f.stages != "":
		p.Stages, err = parseStages(f.stages)
	default:
		p.Stages = []load.Stage{{Duration: f.duration, PerSecond: f.rate}}
	}
	return p, err
}

func readTraceFile(name string) ([]load.Arrival, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	defer file.Close()
	trace, err := load.ReadTrace(file)
	if err != nil {
		return nil, fmt.Errorf("--trace: %s: %w", name, err)
	}
	return trace, nil
}

func parseStages(text string) ([]load.Stage, error) {
	var stages []load.Stage
	for part := range strings.SplitSeq(text, ",") {
		duration, rate, _ := strings.Cut(part, ":")
		d, err := time.ParseDuration(duration)
		r, rateErr := strconv.ParseFloat(rate, 64)
		if err := errors.Join(err, rateErr); err != nil {
			return nil, hint.With(fmt.Errorf("--stages: %q is not DURATION:RATE", part), "for example --stages 60s:1,120s:5")
		}
		stages = append(stages, load.Stage{Duration: d, PerSecond: r})
	}
	return stages, nil
}

// liveLine is one line that is written over, on a terminal only.
type liveLine struct {
	w    io.Writer
	last load.Snapshot
}

func newLiveLine(w io.Writer) *liveLine {
	if !terminal.IsTerminal(w) {
		w = io.Discard
	}
	return &liveLine{w: w}
}

func (l *liveLine) show(s load.Snapshot) {
	interval := (s.Elapsed - l.last.Elapsed).Seconds()
	if interval <= 0 {
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s  %.1f req/s  sent %d  in flight %d  ok %d  lost %d  ttft %.2fs  %.0f tok/s  lag %.2fs",
		s.Elapsed.Round(time.Second), float64(s.Sent-l.last.Sent)/interval, s.Sent, s.InFlight,
		s.Outcomes[load.OK], s.Outcomes.Lost(), s.TTFT.Seconds(), float64(s.OutputTokens-l.last.OutputTokens)/interval, s.Lag.Seconds())
	l.last = s
}

func (l *liveLine) clear() { fmt.Fprint(l.w, "\r\x1b[K") }

func printResult(w io.Writer, format string, r load.Result) error {
	if format != "table" {
		return terminal.PrintAs(w, format, r, terminal.Table{})
	}
	fmt.Fprintf(w, "%d requests in %.1f s: %.2f ok/s, %.1f output tokens/s\n", r.Sent, r.ElapsedSeconds, r.RequestsPerSecond, r.OutputTokensPerSecond)
	outcomes := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, o := range load.Outcomes() {
		if n := r.Outcomes[o]; n > 0 {
			fmt.Fprintf(outcomes, "  %s\t%d\t%s\n", o, n, r.FirstErrors[o.String()])
		}
	}
	if err := outcomes.Flush(); err != nil {
		return err
	}
	return printLatencies(w, r)
}

func printLatencies(w io.Writer, r load.Result) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nseconds\tmean\tp50\tp90\tp99\tmax\t")
	for _, row := range []struct {
		name string
		q    load.Quantiles
	}{
		{"TTFT", r.TTFT}, {"from send", r.TTFTFromSend}, {"TPOT", r.TPOT},
		{"E2E", r.E2E}, {"from send", r.E2EFromSend}, {"sent late by", r.Lag},
	} {
		if row.q.Count > 0 {
			fmt.Fprintf(table, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", row.name, row.q.Mean, row.q.P50, row.q.P90, row.q.P99, row.q.Max)
		}
	}
	return table.Flush()
}
