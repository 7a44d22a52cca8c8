package lint

import (
	"context"
	"fmt"
	"io"
	"strings"

	command "github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// An explanation is what --explain prints as JSON.
type explanation struct {
	lint.Rule
	Bad       string         `json:"bad"`
	Good      string         `json:"good"`
	Simulated *simulatedRule `json:"simulated,omitempty"`
}

// simulatedRule is what becomes of both manifests under the same arrivals.
type simulatedRule struct {
	lint.Simulation
	Command string       `json:"command"`
	Bad     simulate.Row `json:"bad"`
	Good    simulate.Row `json:"good"`
}

func explainRule(ctx context.Context, w io.Writer, format, id string) error {
	r, ok := lint.Find(id)
	switch {
	case !ok:
		var all []string
		for _, r := range lint.Rules() {
			all = append(all, r.ID)
		}
		err := fmt.Errorf("--explain %s: no such rule", id)
		if near := hint.Nearest(id, all); near != "" {
			return hint.With(err, "did you mean %s? docs/lint.md has them all", near)
		}
		return hint.With(err, "one of %s", strings.Join(all, ", "))
	case format == "sarif", format == "junit":
		return hint.With(fmt.Errorf("--explain prints no %s", format), "-o table, json or yaml")
	}
	e := explanation{Rule: r, Bad: r.Bad(), Good: r.Good()}
	if s, ok := r.Simulation(); ok {
		var err error
		if e.Simulated, err = simulateRule(ctx, s, e.Bad, e.Good); err != nil {
			return fmt.Errorf("simulating the example of %s: %w", id, err)
		}
	}
	if format != "table" {
		return terminal.PrintAs(w, format, e, terminal.Table{})
	}
	return e.show(w)
}

func (e explanation) show(w io.Writer) error {
	command := "flyball lint -f -"
	if e.Flag != "" {
		command += " " + e.Flag
	}
	if _, err := fmt.Fprintf(w, "%s (%s): %s\n\nwhy: %s\nfix: %s\n\n# %s complains of this:\n\n%s\n# fixed:\n\n%s",
		e.ID, e.Severity, e.Title, e.Why, e.Fix, command, indented(e.Bad), indented(e.Good)); err != nil || e.Simulated == nil {
		return err
	}
	return e.Simulated.show(w)
}

func (s *simulatedRule) show(w io.Writer) error {
	t := terminal.Table{Header: []string{"SIMULATED", "ATTAINMENT", "REPLICAS", "GPU-HOURS", "TTFT-P99", "ABORTED"}}
	for _, l := range []simulate.Row{s.Bad, s.Good} {
		t.Rows = append(t.Rows, []string{
			l.Law, fmt.Sprintf("%.2f %%", 100*l.Attainment), fmt.Sprintf("%.2f", l.AverageReplicas),
			fmt.Sprintf("%.2f", l.GPUHours), firstTokens(l), fmt.Sprintf("%.0f of %.0f", l.Aborted, l.Requests),
		})
	}
	var rows strings.Builder
	if err := t.Print(&rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n# %s makes of them:\n\n%s\nlook at %s: %s\n", s.Command, indented(rows.String()), s.Figure, s.Look)
	return err
}

// firstTokens is the P99 of TTFT, if there was any first token.
func firstTokens(l simulate.Row) string {
	if l.Aborted == l.Requests {
		return "-"
	}
	return simulate.ShortSeconds(l.TTFTP99)
}

// simulateRule runs a rule's two manifests.
func simulateRule(ctx context.Context, s lint.Simulation, bad, good string) (*simulatedRule, error) {
	words := append([]string{"-f", "-", "--seeds", "1"}, strings.Fields(s.Flags)...)
	var rows []simulate.Row
	for _, form := range []struct{ name, text string }{{"bad", bad}, {"fixed", good}} {
		row, err := command.Manifest(ctx, words, form.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", form.name, err)
		}
		row.Law = form.name
		rows = append(rows, row)
	}
	return &simulatedRule{s, "flyball simulate " + strings.Join(words, " "), rows[0], rows[1]}, nil
}

// indented sets an example apart.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}
