package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/workload"
)

// promptly gives up waiting when the context ends: what is read and measured before the
// runs looks at no context.
func promptly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%w before the first run", simulate.ErrInterrupted)
	}
}

// prepared is a comparison, and what is to be known of it before it runs.
type prepared struct {
	*simulate.Comparison
	said []string
}

// A source is what was read for all comparisons of a command: standard input ends.
type source struct {
	files []manifest.File
	in    simulate.Inputs
}

func (o *options) read(stdin io.Reader) (source, error) {
	known := map[string]workload.Workload{}
	src := source{in: simulate.Inputs{Laws: o.laws, Workload: func(text string) (w workload.Workload, err error) {
		w, ok := known[text]
		if !ok {
			w, err = input.Workload(text, stdin)
			known[text] = w
		}
		return w, err
	}}}
	for _, l := range o.laws {
		if _, err := input.Law(l); err != nil {
			return src, err
		}
	}
	var err error
	if src.files, err = o.files.Read(stdin); err != nil {
		return src, err
	}
	if src.in.Price, err = input.Price("--price", o.price); err != nil {
		return src, err
	}
	src.in.Profiles, err = input.Profiles(o.profiles, stdin)
	return src, err
}

// prepareAll is of what -f and --law name or, with --compare, of that with either of two
// manifests more.
func (o *options) prepareAll(cmd *cobra.Command, stdin io.Reader, compared []string) (*prepared, error) {
	src, err := o.read(stdin)
	if err != nil {
		return nil, err
	}
	if len(compared) == 0 {
		return o.prepare(cmd, src, "")
	}
	var both [2]Manifests
	for i, name := range compared {
		m := input.Manifests{Paths: []string{name}, Recursive: o.files.Recursive}
		own, err := m.Read(stdin)
		if err != nil {
			return nil, err
		}
		docs, err := manifest.ReadAll(slices.Concat(src.files, own))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		both[i] = Manifests{name, docs}
	}
	return o.against(cmd, src.in, both)
}

// against is of both ways to scale a service.
func (o *options) against(cmd *cobra.Command, in simulate.Inputs, both [2]Manifests) (*prepared, error) {
	var plans [2]*policy.Service
	var err error
	for i, m := range both {
		if plans[i], err = o.plan(m.Docs, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	if in.Promise, err = o.common(plans, both); err != nil {
		return nil, err
	}
	var all [2]*prepared
	for i, m := range both {
		in.Plan = plans[i]
		if all[i], err = o.comparison(cmd, in); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	all[0].Against(all[1].Comparison, both[0].Name, both[1].Name)
	for _, line := range all[1].said {
		if !slices.Contains(all[0].said, line) {
			all[0].said = append(all[0].said, line)
		}
	}
	return all[0], nil
}

// common is what the manifests of --compare are both judged by: what either states.
func (o *options) common(plans [2]*policy.Service, both [2]Manifests) (simulate.Promise, error) {
	before, after := promiseOf(plans[0]), promiseOf(plans[1])
	switch {
	case before.Objectives == nil:
		return after, nil
	case after.Objectives == nil, len(o.objectives) > 0, before.Objectives.Equal(after.Objectives):
		return before, nil
	}
	return before, hint.With(fmt.Errorf("%s promises %s and %s promises %s, and both are judged by one promise", both[0].Name, before.Objectives, both[1].Name, after.Objectives),
		"--objective gives both one, or simulate each by itself")
}

func promiseOf(p *policy.Service) simulate.Promise {
	return simulate.Promise{Objectives: p.Promise, By: p.PromisedBy}
}

// plan is what manifests say; a target takes the place of their own.
func (o *options) plan(docs []*manifest.Document, target string) (*policy.Service, error) {
	given, err := o.given()
	if err != nil {
		return nil, err
	}
	p, err := policy.Read(docs, policy.Options{Name: o.service, Ignore: o.ignored, Begin: o.begin.at, Target: target, Objectives: given})
	return &p, err
}

// prepare makes a comparison; a target takes the place of the manifests' own.
func (o *options) prepare(cmd *cobra.Command, src source, target string) (*prepared, error) {
	if len(src.files) > 0 {
		docs, err := manifest.ReadAll(src.files)
		if err != nil {
			return nil, err
		}
		if src.in.Plan, err = o.plan(docs, target); err != nil {
			return nil, err
		}
		src.in.Promise = promiseOf(src.in.Plan)
	}
	return o.comparison(cmd, src.in)
}

// comparison is of inputs under the scenario that the flags name or describe.
func (o *options) comparison(cmd *cobra.Command, in simulate.Inputs) (*prepared, error) {
	var p prepared
	var err error
	if p.said, err = o.readPast(cmd, in.Plan); err != nil {
		return nil, err
	}
	f, err := o.file(in)
	if err != nil {
		return nil, err
	}
	for _, text := range o.expects {
		e, err := scenario.ParseExpectation(text)
		if err != nil {
			return nil, fmt.Errorf("--expect %q: %w", text, err)
		}
		f.Expects = append(f.Expects, e)
	}
	f.Setup.Days = o.by == "day"
	if p.Comparison, err = in.Compare(cmd.Context(), f); err != nil {
		return nil, err
	}
	p.Episodes = o.episodes
	return &p, p.note()
}

// note says what is to be known before a run.
func (p *prepared) note() error {
	notes, err := p.Notes()
	if err != nil {
		return err
	}
	for _, line := range notes {
		p.said = append(p.said, "note: "+strings.TrimSpace(line))
	}
	overload, err := simulate.Overload(p.File)
	if overload != "" {
		p.said = append(p.said, "warning: "+overload)
	}
	return err
}

// sweeps is what --sweep asks for: what is to be known before, and how a value is made one
// of the manifests, or else of the one law that is named.
func (o *options) sweeps(cmd *cobra.Command, stdin io.Reader) (simulate.Sweep, func(string) (*prepared, error), error) {
	sweep, err := simulate.ParseSweep(o.sweep)
	if err != nil {
		return sweep, nil, fmt.Errorf("--sweep: %w", err)
	}
	src, err := o.read(stdin)
	if err != nil {
		return sweep, nil, err
	}
	switch {
	case len(src.files) > 0 && sweep.Key != "target":
		return sweep, nil, hint.With(fmt.Errorf("--sweep: %q is not swept of manifests", sweep.Key), "their target is: --sweep target=4..48")
	case len(src.files) > 0:
		return sweep, func(value string) (*prepared, error) { return o.prepare(cmd, src, value) }, nil
	case len(o.laws) != 1:
		return sweep, nil, hint.With(errors.New("--sweep: neither manifests nor one law"), "for example --law hpa --sweep target=4..48")
	}
	return sweep, func(value string) (*prepared, error) {
		src.in.Laws = []string{simulate.WithParameter(o.laws[0], sweep.Key, value)}
		if _, err := input.Law(src.in.Laws[0]); err != nil {
			return nil, err
		}
		return o.prepare(cmd, src, "")
	}, nil
}

// Manifest is what flyball simulate makes, with these words, of a manifest on standard input.
func Manifest(ctx context.Context, words []string, text string) (simulate.Row, error) {
	o, cmd, err := parsed(ctx, words)
	if err != nil {
		return simulate.Row{}, err
	}
	c, err := o.prepareAll(cmd, strings.NewReader(text), nil)
	if err != nil {
		return simulate.Row{}, err
	}
	if err := c.Run(ctx, o.seeds, func() {}); err != nil {
		return simulate.Row{}, err
	}
	return c.Rows()[0], nil
}

// Swept is what flyball simulate --sweep makes, with these words, of a manifest on standard
// input; done is called after each run.
func Swept(ctx context.Context, words []string, text string, done func()) (*simulate.Comparison, error) {
	o, cmd, err := parsed(ctx, words)
	if err != nil {
		return nil, err
	}
	sweep, variant, err := o.sweeps(cmd, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return sweep.Run(ctx, func(value string) (*simulate.Comparison, error) {
		c, err := variant(value)
		if err != nil {
			return nil, err
		}
		return c.Comparison, nil
	}, o.seeds, done)
}

// parsed reads the words as the command does.
func parsed(ctx context.Context, words []string) (*options, *cobra.Command, error) {
	o, cmd := &options{}, &cobra.Command{}
	cmd.SetContext(ctx)
	o.flags(cmd)
	return o, cmd, cmd.ParseFlags(words)
}
