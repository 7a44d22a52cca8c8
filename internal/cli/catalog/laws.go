package catalog

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// lawJSON is a law as -o json and yaml print it.
type lawJSON struct {
	Name       string      `json:"name"`
	About      string      `json:"about"`
	Source     string      `json:"source"`
	Series     []string    `json:"series"`
	Parameters []paramJSON `json:"parameters"`
}

type paramJSON struct {
	Name    string   `json:"name"`
	Default string   `json:"default"`
	Unit    string   `json:"unit,omitempty"`
	About   string   `json:"about"`
	Values  []string `json:"values,omitempty"`
}

func newLaws(s *terminal.Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "laws [NAME]",
		Short: "List the scaling laws, or show one",
		Long: `The scaling laws that can be simulated: published autoscalers, and two bounds.
With a name: its parameters, where it was read, and the series that it reads.
A law is asked for as NAME or NAME:KEY=VALUE,KEY=VALUE.`,
		Example: "  flyball laws\n  flyball laws wva-v2\n  flyball laws -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return printLaw(s.Out, output, args[0])
			}
			return printLaws(s.Out, output)
		},
	}
	terminal.OutputFlag(cmd, &output, "table", "wide", "json", "yaml")
	return cmd
}

func printLaws(w io.Writer, format string) error {
	t := terminal.Table{Header: []string{"NAME", "ABOUT"}}
	if format == "wide" {
		t.Header = append(t.Header, "PARAMETERS", "SOURCE")
	}
	var all []lawJSON
	for _, s := range catalog.Specs() {
		l, err := describeLaw(s)
		if err != nil {
			return err
		}
		all = append(all, l)
		row := []string{l.Name, l.About}
		if format == "wide" {
			var pairs []string
			for _, p := range l.Parameters {
				pairs = append(pairs, p.Name+"="+p.Default)
			}
			row = append(row, strings.Join(pairs, ","), l.Source)
		}
		t.Rows = append(t.Rows, row)
	}
	return terminal.PrintAs(w, format, all, t)
}

func printLaw(w io.Writer, format, name string) error {
	found, err := input.Law(name)
	if err != nil {
		return err
	}
	l, err := describeLaw(found)
	if err != nil {
		return err
	}
	t := terminal.Table{Header: []string{"PARAMETER", "DEFAULT", "UNIT", "ABOUT"}}
	for _, p := range l.Parameters {
		about := p.About
		if len(p.Values) > 0 {
			about += " (" + strings.Join(p.Values, ", ") + ")"
		}
		t.Rows = append(t.Rows, []string{p.Name, p.Default, terminal.OrDash(p.Unit), about})
	}
	if format == "table" || format == "wide" {
		if _, err := fmt.Fprintf(w, "%s: %s\nread in: %s\n", l.Name, l.About, l.Source); err != nil {
			return err
		}
		for _, series := range l.Series {
			if _, err := fmt.Fprintf(w, "reads: %s\n", series); err != nil {
				return err
			}
		}
	}
	return terminal.PrintAs(w, format, l, t)
}

// describeLaw makes the law at its defaults, to ask it what it reads.
func describeLaw(s spec.Spec) (lawJSON, error) {
	made, err := s.Make("", nil)
	if err != nil {
		return lawJSON{}, err
	}
	l := lawJSON{Name: s.Name, About: s.Doc, Source: s.Source, Series: []string{}}
	for _, signal := range made.Law.Needs() {
		l.Series = append(l.Series, vllm.Text(signal))
	}
	for _, p := range s.Params {
		l.Parameters = append(l.Parameters, paramJSON{p.Name, p.Default, p.Unit, p.Doc, p.Words})
	}
	return l, nil
}
