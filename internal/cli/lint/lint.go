package lint

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/lint/ci"
	"github.com/flyball-dev/flyball/internal/manifest"
)

type options struct {
	lint.Options
	files                 input.Manifests
	output, explain       string
	live, user, passwords string
	version               string
}

// New is the command of a flyball of a version.
func New(s *terminal.Streams, version string) *cobra.Command {
	o := options{Options: lint.Default(), version: version}
	cmd := &cobra.Command{
		Use:   "lint -f FILE|FOLDER|-",
		Short: "Find in manifests what will go wrong when they scale",
		Long: `Look at InferenceServices, ScaledObjects, HorizontalPodAutoscalers and
TriggerAuthentications. All that is given is looked at together: Deployments and
ServingRuntimes tell the GPUs, the grace period and --max-num-seqs, PrometheusRules the
names that they record. Nothing is asked of a cluster; only --live asks a Prometheus.

A rule that lacks a fact is silent. The flags give facts that no manifest holds.

Exit code: 0 no error (there may be warnings, or nothing to lint), 1 an error, 2 a
manifest is unreadable.`,
		Example: `  flyball lint -f examples/guide
  helm template … | flyball lint -f - --gpus 8
  flyball lint -f service.yaml -o sarif > lint.sarif
  flyball lint --explain target-saturates`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.explain != "" {
				return explainRule(cmd.Context(), s.Out, o.output, o.explain)
			}
			return lintFiles(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	o.files.Flags(f)
	f.StringVar(&o.explain, "explain", "", "print what a rule finds, why, the fix, an example and what a simulation makes of it")
	f.IntVar(&o.GPUs, "gpus", 0, "the GPUs that the cluster has for the service")
	f.IntVar(&o.MaxNumSeqs, "max-num-seqs", 0, "vLLM's, where no manifest has it among the arguments")
	f.DurationVar(&o.ColdStart, "cold-start", o.ColdStart, "how long it takes from a scale-up until the new replica serves")
	f.DurationVar(&o.Generation, "generation", o.Generation, "how long the longest answer takes")
	f.DurationVar(&o.Gap, "gap", 0, "the longest gap between requests that should not end in zero replicas")
	f.StringVar(&o.live, "live", "", "a Prometheus to ask whether the series exist")
	f.StringVar(&o.user, "live-user", "", "user for that Prometheus")
	f.StringVar(&o.passwords, "live-password-file", "", "file with the password for that Prometheus (default $FLYBALL_PROMETHEUS_PASSWORD)")
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml", "sarif", "junit")
	var rules []string
	for _, r := range lint.Rules() {
		rules = append(rules, r.ID)
	}
	terminal.Complete(cmd, "explain", rules...)
	return cmd
}

func lintFiles(ctx context.Context, s *terminal.Streams, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	files, err := o.files.Read(s.In)
	if err != nil {
		return err
	}
	docs, err := manifest.ReadAll(files)
	if err != nil {
		return err
	}
	if len(lint.Known(docs)) == 0 {
		// Most of what helm or kustomize render is none of ours: a pipe goes on.
		if _, err := fmt.Fprintf(s.Err, "nothing to lint in %s: no InferenceService, ScaledObject, HorizontalPodAutoscaler or TriggerAuthentication\n",
			strings.Join(o.files.Paths, ", ")); err != nil {
			return err
		}
	}
	findings := lint.Lint(docs, o.Options)
	if o.live != "" {
		more, err := askLive(ctx, o, docs)
		if err != nil {
			return err
		}
		findings = append(findings, more...)
	}
	if err := o.print(s.Out, findings); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Severity == lint.Error }) {
		return terminal.ErrNo
	}
	return nil
}

func (o options) check() error {
	if len(o.files.Paths) == 0 {
		return hint.With(errors.New("no manifest given"), "flyball lint -f FILE, -f FOLDER or -f -")
	}
	for _, f := range []struct {
		name     string
		negative bool
	}{
		{"gpus", o.GPUs < 0}, {"max-num-seqs", o.MaxNumSeqs < 0}, {"cold-start", o.ColdStart < 0},
		{"generation", o.Generation < 0}, {"gap", o.Gap < 0},
	} {
		if f.negative {
			return hint.With(fmt.Errorf("--%s is negative", f.name), "0 leaves out the rules that need it")
		}
	}
	return nil
}

// askLive goes to the server of --live and to no other, whatever the manifests name.
func askLive(ctx context.Context, o options, docs []*manifest.Document) ([]lint.Finding, error) {
	u, err := url.Parse(o.live)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, hint.With(errors.New("--live is no http or https address"), "for example http://localhost:9090")
	}
	password, err := access.PrometheusPassword(o.passwords)
	if err != nil {
		return nil, err
	}
	client, err := access.PrometheusClient(access.Cluster{})
	if err != nil {
		return nil, err
	}
	server, err := lint.Dial(o.live, client, o.user, password)
	if err != nil {
		return nil, err
	}
	return lint.Live(ctx, server, docs)
}

func printJUnit(w io.Writer, findings []lint.Finding) error {
	text, err := xml.MarshalIndent(ci.NewJUnit(findings), "", "  ")
	if err != nil {
		return fmt.Errorf("encoding JUnit: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func (o options) print(w io.Writer, findings []lint.Finding) error {
	switch o.output {
	case "sarif":
		return terminal.PrintAs(w, "json", ci.NewSARIF(findings, o.version), terminal.Table{})
	case "junit":
		return printJUnit(w, findings)
	}
	if o.output == "table" && len(findings) == 0 {
		_, err := fmt.Fprintln(w, "nothing found")
		return err
	}
	t := terminal.Table{Header: []string{"SEVERITY", "RULE", "WHERE", "FOUND"}}
	for _, f := range findings {
		t.Rows = append(t.Rows, []string{string(f.Severity), f.Rule, fmt.Sprintf("%s:%d", f.File, f.Line), f.Found}, []string{"", "", "", "fix: " + f.Fix})
	}
	out := terminal.Colour(w, map[string]string{string(lint.Error): "31", string(lint.Warning): "33", string(lint.Info): "36"})
	return terminal.PrintAs(out, o.output, findings, t)
}
