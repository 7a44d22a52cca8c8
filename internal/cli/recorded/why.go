package recorded

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// whyOptions are the flags of flyball why.
type whyOptions struct {
	path, at, output string
	last, changes    bool
	live             live
}

// NewWhy is flyball why.
func NewWhy(s *terminal.Streams) *cobra.Command {
	var o whyOptions
	cmd := &cobra.Command{
		Use:   "why [SERVICE]",
		Short: "Say why a service has so many replicas, and not one fewer or one more",
		Long: `Say in plain sentences why a service was given so many replicas at a time, and not one
fewer or one more: what arrived, what a replica serves, how long a new one takes, what
share of the requests was expected to miss, and each rule that acted, with what would have
been asked for without it. Without a time it is about the last decision; --changes lists
when the number changed.

It asks the scaler of a cluster about a ScaledObject whose trigger states objectives, or an
InferenceAutoscaler, through the API server and by your own rights: to list pods and to get pods/proxy in
flyball-system. With --record it reads a file that flyball simulate --record has written, or
the folder of a journal, and no cluster.`,
		Example: `  flyball why llama -n demo
  flyball why demo/llama --at 2026-11-29T18:30:00Z
  flyball why demo/llama --changes
  flyball why --record run.jsonl.gz --at 31m5s
  flyball why --record run.jsonl.gz --last -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			service := strings.Join(args, "")
			if o.changes {
				return o.printChanges(cmd.Context(), s, service)
			}
			return o.answer(cmd.Context(), s, service)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.path, "record", "", "file of flyball simulate --record, or folder of a journal, in place of a cluster")
	o.live.cluster.Flags(cmd)
	fl.StringVarP(&o.live.namespace, "namespace", "n", "", "the namespace (default that of SERVICE as NAMESPACE/NAME, or of the kubeconfig's context)")
	fl.StringVar(&o.at, "at", "", "time of the decision, as 2026-11-29T18:30:00Z, or in a simulation since its start, as 31m5s")
	fl.BoolVar(&o.last, "last", false, "the last decision of the record (default)")
	fl.BoolVar(&o.changes, "changes", false, "list when the number of replicas changed, and when a promise could not be kept")
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml")
	cmd.MarkFlagsMutuallyExclusive("at", "last", "changes")
	for _, flag := range []string{"namespace", "kubeconfig", "context"} {
		cmd.MarkFlagsMutuallyExclusive("record", flag)
	}
	return cmd
}

// source is the record that the flags name, with the name that a service has in it.
func (o *whyOptions) source(ctx context.Context, w io.Writer, service string, when time.Duration, kinds ...journal.Kind) (source, string, error) {
	if o.path == "" {
		return o.live.source(ctx, w, service, when, kinds...)
	}
	from, err := inFile(o.path, kinds...)
	return from, service, err
}

func (o *whyOptions) answer(ctx context.Context, s *terminal.Streams, service string) error {
	when, err := at(o.at)
	if err != nil {
		return err
	}
	from, service, err := o.source(ctx, s.Err, service, when, journal.Changes, journal.Steps)
	if err != nil {
		return err
	}
	a, err := read(s.Err, from, func(r *record.Reader) (why.Answer, error) {
		return why.Ask(r, why.Question{Service: service, At: when})
	})
	if err != nil {
		return err
	}
	t := terminal.Table{Header: []string{"RULE", "BEFORE", "AFTER", "WITHOUT IT"}}
	for _, r := range a.Rules {
		t.Rows = append(t.Rows, []string{r.Rule, strconv.Itoa(r.From), strconv.Itoa(r.To), strconv.Itoa(r.Without)})
	}
	if o.output == "table" {
		if err := tell(s.Out, a); err != nil || len(t.Rows) == 0 {
			return err
		}
	}
	return terminal.PrintAs(s.Out, o.output, a, t)
}

// tell writes the sentences, a line each.
func tell(w io.Writer, a why.Answer) error {
	if _, err := fmt.Fprintf(w, "%s at %s\n\n", terminal.OneLine(a.Service), a.At); err != nil {
		return err
	}
	for _, line := range a.Sentences {
		if _, err := fmt.Fprintln(w, terminal.OneLine(line)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (o *whyOptions) printChanges(ctx context.Context, s *terminal.Streams, service string) error {
	from, service, err := o.source(ctx, s.Err, service, always, journal.Changes)
	if err != nil {
		return err
	}
	all, err := read(s.Err, from, func(r *record.Reader) ([]why.Change, error) {
		return why.Changes(r, service)
	})
	if err != nil {
		return err
	}
	t := terminal.Table{Header: []string{"SERVICE", "AT", "FROM", "TO", "BECAUSE"}}
	for _, c := range all {
		t.Rows = append(t.Rows, []string{c.Service, c.At, strconv.Itoa(c.From), strconv.Itoa(c.To), strings.Join(c.Because, ", ")})
	}
	return terminal.PrintAs(s.Out, o.output, all, t)
}
