package validate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A validation is the page as it grows, and the bounds that its figures are held against.
type validation struct {
	page   strings.Builder
	bounds []bound
}

// A section is a part of the page that can be asked for by its name.
type section struct {
	name, title string
	write       func(ctx context.Context, v *validation) error
}

func sections() []section {
	return []section{
		{"qwen", "Measured runs: Qwen3-14B on one H100", writeQwen},
		{"blis", "Measured runs: dense models on H100, A100 and L40S", writeBLIS},
		{"ramp", "The published staged ramp", writeRamp},
		{"wva", "The published overload", writeWVA},
		{"sensitivity", "Sensitivity: do rankings hold when the plant is wrong?", writeSensitivity},
		{"lab", "The lab", writeLab},
	}
}

// Sections names the parts of the page.
func Sections() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// Page is the page, or of it the sections that are named, and a line for each bound that
// does not hold as it should.
func Page(ctx context.Context, only []string) (page string, said []string, err error) {
	var v validation
	for _, s := range sections() {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		v.printf("\n## %s\n\n", s.title)
		if err := s.write(ctx, &v); err != nil {
			return "", nil, fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	said = judge(v.bounds, knownMisses(), len(only) == 0)
	if len(only) > 0 {
		return strings.TrimPrefix(v.page.String(), "\n"), said, nil
	}
	var whole validation
	whole.printf("%s", head)
	whole.summary(v.bounds, knownMisses())
	return whole.page.String() + v.page.String(), said, nil
}

const head = `# How wrong the simulator is

Everything here is simulated, on one plant: ` + "`internal/plant`" + ` with the profiles of ` + "`internal/plant/profiles.json`" + `,
the same in every row. Step times come from kernel benchmarks; three numbers were chosen with runs below in view: the two
of the API server's own time (` + "`frontEnd…`" + `, on the TTFT of Qwen3-14B) and the share of questions asked before (on the dense
models). Measured and published figures are from ` + "`data/`" + `, with their origins in ` + "`data/SOURCES.md`" + `. ` + "`make validate`" + ` writes
this page again, byte for byte the same, and exits 1 if a bound fails that is not a known miss. Above each table is the
command that prints its figures.

The bounds on measured runs and on the lab are the design's. Those on the published ramp, in percentage points for the score,
were set after it had been run, so that no change moves it unseen.
`

func (v *validation) printf(format string, args ...any) { fmt.Fprintf(&v.page, format, args...) }

// command shows how to get the figures that follow.
func (v *validation) command(text string) { v.printf("```sh\n%s\n```\n\n", text) }

// A table is rows under a header.
type table struct {
	header []string
	rows   [][]string
}

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

// inputs are what the library's names stand for, without any file.
func inputs() (simulate.Inputs, error) {
	all, err := plant.Profiles()
	find := func(text string) (workload.Workload, error) {
		return workload.Find(text, func(name string) (io.ReadCloser, error) { return data.Open(name) })
	}
	return simulate.Inputs{Profiles: all, Workload: find}, err
}

// library is a scenario that ships.
func library(name string) (simulate.Inputs, scenario.File, error) {
	in, err := inputs()
	if err != nil {
		return in, scenario.File{}, err
	}
	text, err := scenario.Text(name)
	if err != nil {
		return in, scenario.File{}, err
	}
	f, err := in.Parse(name, text)
	return in, f, err
}

// orDash shows that a cell has no value.
func orDash(s string) string { return cmp.Or(s, "-") }

// parallel does n things on all cores; the results are in their order.
func parallel[T any](ctx context.Context, n int, do func(i int) (T, error)) ([]T, error) {
	all := make([]T, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			all[i], err = do(i)
			return err
		})
	}
	return all, group.Wait()
}
