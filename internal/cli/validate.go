package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/validate"
)

func newValidate(s *terminal.Streams) *cobra.Command {
	var only []string
	var out string
	names := validate.Sections()
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Compare the simulator with measured runs and published results",
		Long: `Replay measured runs of vLLM and published benchmarks of autoscalers, and write how far
the simulator is off as a page in Markdown: docs/validation.md. It takes some minutes,
most of them for the best plan on the staged ramp; the page has no timings in it and is
the same every time. Exit code 1: a bound does not hold and is not a known miss, or a
known miss holds.`,
		Example: "  flyball validate --out docs/validation.md\n  flyball validate --only qwen",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(names, name) {
					return hint.Meant(fmt.Errorf("--only %s: no such section", name), name, names, "one of "+strings.Join(names, ", "))
				}
			}
			if err := terminal.Writable("--out", out); err != nil {
				return err
			}
			page, said, err := validate.Page(cmd.Context(), only)
			if err != nil {
				return err
			}
			if err := writePage(s.Out, out, page); err != nil {
				return err
			}
			for _, line := range said {
				if _, err := fmt.Fprintln(s.Err, line); err != nil {
					return err
				}
			}
			if len(said) > 0 {
				return terminal.ErrNo
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "sections: "+strings.Join(names, ", ")+" (default all)")
	terminal.Complete(cmd, "only", names...)
	cmd.Flags().StringVar(&out, "out", "", "write the page to this file, whole or not at all (default: print it)")
	return cmd
}

func writePage(w io.Writer, path, page string) error {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, page)
		return err
	}
	if path == "" {
		return write(w)
	}
	return terminal.WriteWhole(path, write)
}
