package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A table is rows under a header.
type table struct {
	header []string
	rows   [][]string
}

// outputFlag adds -o; the first of the formats is the default.
func outputFlag(cmd *cobra.Command, format *string, formats ...string) {
	cmd.Flags().StringVarP(format, "output", "o", formats[0], "one of "+strings.Join(formats, ", "))
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(formats, *format) {
			return hint.Meant(fmt.Errorf("-o %s: unknown format", *format), *format, formats, "one of "+strings.Join(formats, ", "))
		}
		if check == nil {
			return nil
		}
		return check(cmd, args)
	}
}

// printAs writes v as json or yaml, and in every other format t. The caller has
// sorted both; JSON objects print their fields in the order of the Go type.
func printAs(w io.Writer, format string, v any, t table) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false) // PromQL is full of < and >
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		out, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(out)
		return err
	default:
		return t.print(w)
	}
}

// print aligns the columns with two spaces between them and none at a line's end.
func (t table) print(w io.Writer) error {
	var aligned bytes.Buffer
	tw := tabwriter.NewWriter(&aligned, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = oneLine(c)
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range bytes.Lines(aligned.Bytes()) {
		if _, err := fmt.Fprintf(w, "%s\n", bytes.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// oneLine keeps a message of another program from breaking the table, or from
// steering the terminal.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }), " ")
}

// orDash shows that a cell has no value, so that columns can be cut by spaces.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// colour gives a line's first word the code (of ANSI's SGR) that codes has for it,
// on a terminal whose user has not set NO_COLOR (no-color.org).
func colour(w io.Writer, codes map[string]string) io.Writer {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !isTerminal(w) {
		return w
	}
	return colourer{w, codes}
}

type colourer struct {
	io.Writer
	codes map[string]string
}

func (c colourer) Write(p []byte) (int, error) {
	word, rest, _ := strings.Cut(string(p), " ")
	code, ok := c.codes[word]
	if !ok {
		return c.Writer.Write(p)
	}
	if _, err := fmt.Fprintf(c.Writer, "\x1b[%sm%s\x1b[0m %s", code, word, rest); err != nil {
		return 0, err
	}
	return len(p), nil
}
