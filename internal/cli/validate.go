package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A validation is the page that flyball validate writes, as it grows, and the bounds
// that its figures are held against.
type validation struct {
	page   strings.Builder
	bounds []bound
}

// validationSection is a part of the page that can be asked for by its name.
type validationSection struct {
	name, title string
	write       func(ctx context.Context, v *validation, in io.Reader) error
}

func validationSections() []validationSection {
	return []validationSection{
		{"qwen", "Measured runs: Qwen3-14B on one H100", writeQwen},
		{"blis", "Measured runs: dense models on H100, A100 and L40S", writeBLIS},
		{"ramp", "The published staged ramp", writeRamp},
		{"wva", "The published overload", writeWVA},
		{"sensitivity", "Sensitivity: do rankings hold when the plant is wrong?", writeSensitivity},
		{"lab", "The lab", writeLab},
	}
}

func newValidate(s *streams) *cobra.Command {
	var only []string
	var out string
	var names []string
	for _, section := range validationSections() {
		names = append(names, section.name)
	}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Compare the simulator with measured runs and published results",
		Long: `Replay measured runs of vLLM and published benchmarks of autoscalers, and write how far
the simulator is off as a page in Markdown: docs/validation.md. It takes about a minute;
the page has no timings in it and is the same every time. Exit code 1: a bound does not
hold and is not a known miss, or a known miss holds.`,
		Example: "  flyball validate --out docs/validation.md\n  flyball validate --only qwen",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(names, name) {
					return hint.With(fmt.Errorf("--only %s: no such section", name), "one of %s", strings.Join(names, ", "))
				}
			}
			page, said, err := validate(cmd.Context(), s.in, only)
			if err != nil {
				return err
			}
			if err := writePage(s.out, out, page); err != nil {
				return err
			}
			for _, line := range said {
				if _, err := fmt.Fprintln(s.err, line); err != nil {
					return err
				}
			}
			if len(said) > 0 {
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "sections: "+strings.Join(names, ", ")+" (default all)")
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
	return writeWhole(path, write)
}

// validate is the page, and a line for each bound that does not hold as it should.
func validate(ctx context.Context, in io.Reader, only []string) (page string, said []string, err error) {
	var v validation
	for _, section := range validationSections() {
		if len(only) > 0 && !slices.Contains(only, section.name) {
			continue
		}
		v.printf("\n## %s\n\n", section.title)
		if err := section.write(ctx, &v, in); err != nil {
			return "", nil, fmt.Errorf("section %s: %w", section.name, err)
		}
	}
	said = judge(v.bounds, knownMisses(), len(only) == 0)
	if len(only) > 0 {
		return strings.TrimPrefix(v.page.String(), "\n"), said, nil
	}
	var whole validation
	whole.printf("%s", validationHead)
	whole.summary(v.bounds, knownMisses())
	return whole.page.String() + v.page.String(), said, nil
}

const validationHead = `# How wrong the simulator is

Everything here is simulated, on one plant: ` + "`internal/plant`" + ` with the profiles of ` + "`internal/plant/profiles.json`" + `,
the same in every row. Step times come from kernel benchmarks; three numbers were chosen with runs below in view: the two
of the API server's own time (` + "`frontEnd…`" + `, on the TTFT of Qwen3-14B) and the share of questions asked before (on the dense
models). Measured and published figures are from ` + "`data/`" + `, with their origins in ` + "`data/SOURCES.md`" + `. ` + "`make validate`" + ` writes
this page anew, byte for byte the same, and exits 1 if a bound fails that is not a known miss. Above each table stands the
command that prints its figures.

The bounds on measured runs and on the lab are the design's. Those on the published ramp, in percentage points for the score,
were set after it had been run, so that no change moves it unseen.
`

func (v *validation) printf(format string, args ...any) { fmt.Fprintf(&v.page, format, args...) }

// command shows how to get the figures that follow.
func (v *validation) command(text string) { v.printf("```sh\n%s\n```\n\n", text) }

// table is Markdown's.
func (v *validation) table(t table) {
	line := func(cells []string) { v.printf("| %s |\n", strings.Join(cells, " | ")) }
	line(t.header)
	line(slices.Repeat([]string{"---"}, len(t.header)))
	for _, row := range t.rows {
		line(row)
	}
	v.printf("\n")
}

// parallel does n things on all cores; the results are in their order.
func parallel[T any](ctx context.Context, n int, do func(i int) (T, error)) ([]T, error) {
	all := make([]T, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return errors.New("stopped")
			}
			all[i], err = do(i)
			return err
		})
	}
	return all, group.Wait()
}
