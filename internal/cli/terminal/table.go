package terminal

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

// A Table is rows under a header.
type Table struct {
	Header []string
	Rows   [][]string
}

// OutputFlag adds -o; the first of the formats is the default.
func OutputFlag(cmd *cobra.Command, format *string, formats ...string) {
	cmd.Flags().StringVarP(format, "output", "o", formats[0], "one of "+strings.Join(formats, ", "))
	Complete(cmd, "output", formats...)
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

// Complete lets the shell complete a flag of the command by these values.
func Complete(cmd *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that the command does not have.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// PrintAs writes v as json or yaml, and in every other format t. The caller has
// sorted both; JSON objects print their fields in the order of the Go type.
func PrintAs(w io.Writer, format string, v any, t Table) error {
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
		return t.Print(w)
	}
}

// Print aligns the columns with two spaces between them and none at a line's end.
func (t Table) Print(w io.Writer) error {
	var aligned bytes.Buffer
	tw := tabwriter.NewWriter(&aligned, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = OneLine(c)
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

// OneLine keeps a message of another program from breaking the Table, or from
// steering the terminal.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }), " ")
}

// OrDash shows that a cell has no value, so that columns can be cut by spaces.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Colour gives a line's first word the code (of ANSI's SGR) that codes has for it,
// on a terminal whose user has not set NO_COLOR (no-color.org).
func Colour(w io.Writer, codes map[string]string) io.Writer {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !IsTerminal(w) {
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

// Shorten leaves room for what stands beside a name.
func Shorten(s string, most int) string {
	if letters := []rune(s); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return s
}
