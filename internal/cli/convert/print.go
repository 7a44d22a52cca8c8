package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

// An answer is what -o json prints.
type answer struct {
	autoscaler.Conversion
	Diff      string          `json:"diff"`
	Simulated json.RawMessage `json:"simulated,omitempty"` // as flyball simulate --compare prints it
	outcome   *simulate.Outcome
}

// printAll prints manifests as one file.
func printAll(w io.Writer, all []any) error {
	for _, one := range all {
		text, err := yaml.Marshal(one)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}

// diff is from the manifests of today to those with objectives.
func diff(c autoscaler.Conversion) (string, error) {
	var texts [2]strings.Builder
	for i, all := range [][]any{c.Today, c.Objective} {
		if err := printAll(&texts[i], all); err != nil {
			return "", err
		}
	}
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: slices.Collect(strings.Lines(texts[0].String())), FromFile: "today",
		B: slices.Collect(strings.Lines(texts[1].String())), ToFile: "objectives", Context: 3,
	})
}

// tell prints the answer, and says beside it what a simulation's rows amount to.
func (a answer) tell(s *terminal.Streams, format string) error {
	if err := a.show(s.Out, format); err != nil {
		return err
	}
	switch {
	case a.outcome != nil:
		return a.outcome.Tell(s.Err, format)
	case format == "table":
		terminal.PrintHints(s.Err, "to simulate both: --from-prometheus http://… --last 3d, or --workload azure2023-conv")
	}
	return nil
}

func (a answer) show(w io.Writer, format string) error {
	if format == "table" {
		return a.print(w)
	}
	if a.outcome != nil {
		var rows bytes.Buffer
		if err := a.outcome.Print(&rows, "json"); err != nil {
			return err
		}
		a.Simulated = rows.Bytes()
	}
	return terminal.PrintAs(w, format, a, terminal.Table{})
}

// print is for a reader: a heading for each part, and the rows last, beside which stderr says
// what they amount to.
func (a answer) print(w io.Writer) error {
	var b strings.Builder
	b.WriteString("TODAY, in guide mode\n")
	if err := printAll(&b, a.Today); err != nil {
		return err
	}
	b.WriteString("\nWITH OBJECTIVES\n")
	if err := printAll(&b, a.Objective); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nDIFF\n%s\nTO CHANGE OVER\n%s\n\nTHE WAY BACK\n%s\n", a.Diff, strings.Join(a.Over, "\n"), strings.Join(a.Back, "\n"))
	if a.outcome != nil {
		b.WriteString("\nSIMULATED\n")
		if err := a.outcome.Print(&b, "table"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
