package simulate

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// Either is flyball simulate --compare as a part of another command, which has the manifests.
type Either struct{ options }

// arriving are the flags that say what arrives, on what, how often, and beside which laws.
func arriving() []string {
	return []string{
		"from-prometheus", "last", "prometheus-user", "prometheus-password-file", "workload", "begin",
		"profile", "profiles", "ignore-argument", "law", "price", "seeds",
	}
}

// Flags adds them.
func (e *Either) Flags(cmd *cobra.Command) {
	whole := &cobra.Command{}
	e.flags(whole)
	for _, name := range arriving() {
		f := whole.Flags().Lookup(name)
		f.Annotations = nil // the groups of flyball simulate
		cmd.Flags().AddFlag(f)
	}
	cmd.MarkFlagsMutuallyExclusive("workload", "from-prometheus")
}

// Arrives tells whether they say what arrives, without which there is nothing to simulate.
func (e *Either) Arrives(cmd *cobra.Command) (bool, error) {
	if cmd.Flags().Changed("workload") || cmd.Flags().Changed("from-prometheus") {
		return true, nil
	}
	for _, name := range arriving() {
		if cmd.Flags().Changed(name) {
			return false, hint.With(fmt.Errorf("--%s, but nothing that arrives", name), "--from-prometheus http://… --last 3d, or --workload azure2023-conv")
		}
	}
	return false, nil
}

// Manifests are those by which a service is scaled in one of two ways, under the name that the
// way has in the rows.
type Manifests struct {
	Name string
	Docs []*manifest.Document
}

// An Outcome is what came of both.
type Outcome struct {
	o *options
	c *simulate.Comparison
}

// Run simulates a service, NAMESPACE/NAME, both ways. Objectives take the place of what the
// manifests state.
func (e *Either) Run(cmd *cobra.Command, s *terminal.Streams, service string, objectives []string, both [2]Manifests) (Outcome, error) {
	o := e.options
	o.service, o.objectives = service, objectives
	if err := o.check(); err != nil {
		return Outcome{}, err
	}
	p, err := promptly(cmd.Context(), func() (*prepared, error) {
		src, err := o.read(s.In)
		if err != nil {
			return nil, err
		}
		return o.against(cmd, src.in, both)
	})
	if err != nil {
		return Outcome{}, err
	}
	c, err := o.runAll(cmd.Context(), s, p)
	return Outcome{&o, c}, err
}

// Print writes the rows in a format of flyball simulate -o.
func (r Outcome) Print(w io.Writer, format string) error {
	o := r.as(format)
	return o.print(w, r.c)
}

// Tell says beside them what they amount to; it is an error if that is nothing.
func (r Outcome) Tell(w io.Writer, format string) error {
	if err := faults(w, r.c); err != nil {
		return err
	}
	return r.as(format).verdict(w, r.c)
}

func (r Outcome) as(format string) *options {
	o := *r.o
	o.output = format
	return &o
}
