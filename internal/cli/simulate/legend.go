package simulate

import (
	"fmt"
	"io"
	"slices"

	"github.com/flyball-dev/flyball/internal/simulate"
)

// legend explains the columns whose title does not, beside a table.
func (o *options) legend(w io.Writer, rows []simulate.Row) error {
	var lines []string
	if slices.ContainsFunc(rows, func(r simulate.Row) bool { return r.Excess != nil }) {
		lines = append(lines, "EXCESS: GPU-hours above the cheapest mix of these laws with the same attainment")
	}
	if o.output == "wide" {
		lines = append(lines,
			"PUBLISHED: attainment as llm-d's benchmark counts it: a request that misses two objectives counts twice",
			"THRASH: how often fewer replicas were asked for, and more again within one cold start",
			"REACTION: median time from the first miss after a calm minute to the next scale-up")
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
