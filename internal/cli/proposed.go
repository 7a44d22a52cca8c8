package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/overview"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

// promise reads the objectives of what is proposed.
func (o *adviseOptions) promise() error {
	if len(o.objectives) == 0 {
		o.proposed = score.Usual()
		return nil
	}
	p, refused := objective.Parse(strings.Join(o.objectives, ","))
	if refused != nil {
		return hint.With(fmt.Errorf("--objective: %s", refused.What), "%s", refused.Fix)
	}
	o.proposed = p
	return nil
}

// propose adds what is scaled without objectives.
func (a *adviceList) propose(ctx context.Context, api client.Reader, namespace string, o adviseOptions) error {
	all, unread, err := overview.FindUnstated(ctx, api, namespace)
	if err != nil {
		return err
	}
	a.unread = unread
	for _, u := range all {
		if o.name != "" && u.Name != o.name {
			continue
		}
		a.rows = append(a.rows, u.Row(o.proposed))
		if u.Disabled && !slices.Contains(a.disabled, u.Namespace) {
			a.disabled = append(a.disabled, u.Namespace)
		}
	}
	return nil
}

// printManifests prints what is proposed, to be applied.
func (a *adviceList) printManifests(s *terminal.Streams) error {
	for _, r := range a.rows {
		if r.Manifest == nil {
			continue
		}
		text, err := yaml.Marshal(r.Manifest)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Out, "---\n# %s.\n# It changes nothing. State the objectives that you promise.\n%s", r.Why, text); err != nil {
			return err
		}
	}
	return nil
}

// hint says what to do with what is proposed.
func (a *adviceList) hint(s *terminal.Streams, o adviseOptions) {
	if !slices.ContainsFunc(a.rows, func(r autoscaler.Row) bool { return r.Manifest != nil }) {
		return
	}
	words := []string{"flyball", "advise"}
	switch {
	case o.all:
		words = append(words, "-A")
	case o.name != "":
		words = append(words, o.namespace+"/"+o.name)
	default:
		words = append(words, "-n", o.namespace)
	}
	for _, text := range o.objectives {
		words = append(words, "--objective", text)
	}
	words = append(words, "-o", manifests)
	terminal.PrintHints(s.Err, fmt.Sprintf("to see what Flyball would do for those without an ENGINE, and change nothing: %s > advise.yaml, state your objectives there, and kubectl apply -f advise.yaml",
		hint.Command(words...)))
	var said explain.Verdict
	for _, namespace := range a.disabled {
		autoscaler.NotHeard(&said, namespace)
	}
	for _, n := range said.Notices {
		terminal.PrintHints(s.Err, n.Text)
	}
}
