package recorded

import (
	"fmt"
	"io"
	"strconv"
	"strings"

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
}

func newWhy(s *terminal.Streams) *cobra.Command {
	var o whyOptions
	cmd := &cobra.Command{
		Use:   "why [SERVICE]",
		Short: "Say why a service has so many replicas, and not one fewer or one more",
		Long: `Say in plain sentences why a service was given so many replicas at a time, and not one
fewer or one more: what arrived, what a replica serves, how long a new one takes, what
share of the requests was expected to miss, and each rule that acted, with what would have
been asked for without it. It reads a record: a file that flyball simulate --record has
written, or the folder of a journal. Without a time it is about the last decision; --changes
lists when the number changed.`,
		Example: `  flyball why --record run.jsonl.gz --changes
  flyball why --record run.jsonl.gz --at 31m5s
  flyball why demo/llama --record /var/lib/flyball/journal --at 2026-11-29T18:30:00Z
  flyball why --record run.jsonl.gz --last -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			service := strings.Join(args, "")
			if o.changes {
				return o.printChanges(s, service)
			}
			return o.answer(s, service)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.path, "record", "", "file of flyball simulate --record, or folder of a journal")
	fl.StringVar(&o.at, "at", "", "time of the decision, as 2026-11-29T18:30:00Z, or in a simulation since its start, as 31m5s")
	fl.BoolVar(&o.last, "last", false, "the last decision of the record (default)")
	fl.BoolVar(&o.changes, "changes", false, "list when the number of replicas changed, and when a promise could not be kept")
	terminal.OutputFlag(cmd, &o.output, "table", "json", "yaml")
	cmd.MarkFlagsMutuallyExclusive("at", "last", "changes")
	_ = cmd.MarkFlagRequired("record") // it fails only for a flag that there is not
	return cmd
}

// both are the logs of a journal that say why.
func both() []journal.Kind { return []journal.Kind{journal.Changes, journal.Steps} }

func (o *whyOptions) answer(s *terminal.Streams, service string) error {
	when, err := at(o.at)
	if err != nil {
		return err
	}
	a, err := read(s.Err, o.path, both(), func(r *record.Reader) (why.Answer, error) {
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

func (o *whyOptions) printChanges(s *terminal.Streams, service string) error {
	all, err := read(s.Err, o.path, []journal.Kind{journal.Changes}, func(r *record.Reader) ([]why.Change, error) {
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
