package recorded

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/input"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// NewReplay is flyball replay.
func NewReplay(s *terminal.Streams) *cobra.Command {
	var law, output string
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Make recorded decisions again, and say whether they are the same to the last bit",
		Long: `Make every decision of a record again from what was seen, and compare it with the one that
was recorded, to the last bit. A record is a file that flyball simulate --record has
written, or the folder of a journal. With --law it says what another law would have asked
for on the same readings: it did not act, so that the readings stay those of the replicas
that there were. Exit code 1: a decision is not the same.`,
		Example: `  flyball replay run.jsonl.gz
  flyball replay run.jsonl.gz --law flyball:promise=0.99
  flyball replay /var/lib/flyball/journal -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if law != "" {
				return printUnder(s, args[0], law, output)
			}
			return printReplay(s, args[0], output)
		},
	}
	cmd.Flags().StringVar(&law, "law", "", "what this law would have asked for, as NAME or NAME:KEY=VALUE,… (flyball laws lists them)")
	terminal.OutputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}

// replayed is a service as -o json prints it.
type replayed struct {
	Service   string      `json:"service"`
	From      string      `json:"from"`
	To        string      `json:"to"`
	Decisions int         `json:"decisions"`
	Same      int         `json:"identical"`
	States    int         `json:"states"`
	SameState int         `json:"identicalStates"`
	First     *difference `json:"firstDifference,omitempty"`
}

type difference struct {
	At       string `json:"at"`
	Recorded int    `json:"recorded"`
	Replayed int    `json:"replayed"`
	What     string `json:"what"`
}

func printReplay(s *terminal.Streams, path, output string) error {
	from, err := inFile(path, journal.Steps)
	if err != nil {
		return err
	}
	all, err := read(s.Err, from, record.Replay)
	if err == nil && len(all) == 0 {
		err = from.explains(why.NoService{})
	}
	if err != nil {
		return err
	}
	identical := true
	t := terminal.Table{Header: []string{"SERVICE", "FROM", "TO", "DECISIONS", "STATES", "FIRST DIFFERENCE"}}
	var rows []replayed
	for _, r := range all {
		identical = identical && r.Identical()
		one := replayed{r.Service, why.Clock(r.From), why.Clock(r.To), r.Decisions, r.Same, r.States, r.SameStates, nil}
		first := ""
		if d := r.First; d != nil {
			one.First = &difference{why.Clock(d.At), d.Recorded.Replicas, d.Replayed.Replicas, why.Difference(*d)}
			first = one.First.At + ": " + one.First.What
		}
		t.Rows = append(t.Rows, []string{r.Service, one.From, one.To, of(r.Same, r.Decisions), of(r.SameStates, r.States), terminal.OrDash(first)})
		rows = append(rows, one)
	}
	if err := terminal.PrintAs(s.Out, output, rows, t); err != nil || identical {
		return err
	}
	return terminal.ErrNo
}

// of says how many of all are the same.
func of(same, all int) string {
	if same == all {
		return fmt.Sprintf("identical: %d of %d", same, all)
	}
	return fmt.Sprintf("different: %d of %d", all-same, all)
}

// under is a service as -o json prints it.
type under struct {
	Service  string  `json:"service"`
	From     string  `json:"from"`
	To       string  `json:"to"`
	Law      string  `json:"law"`
	Recorded float64 `json:"recordedReplicaHours"`
	Would    float64 `json:"replicaHours"`
	Steps    int     `json:"decisions"`
	Differ   int     `json:"different"`
	More     int     `json:"more"`
	Spans    []span  `json:"spans"`
}

type span struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Recorded int    `json:"recorded"`
	Would    int    `json:"would"`
}

func printUnder(s *terminal.Streams, path, law, output string) error {
	if _, err := input.Law(law); err != nil {
		return err
	}
	from, err := inFile(path, journal.Steps)
	if err != nil {
		return err
	}
	all, err := read(s.Err, from, func(r *record.Reader) ([]record.Alternative, error) {
		return record.Under(r, simulate.Instead(law))
	})
	if err == nil && len(all) == 0 {
		err = from.explains(why.NoService{})
	}
	if err != nil {
		return err
	}
	t := terminal.Table{Header: []string{"SERVICE", "LAW", "REPLICA-HOURS", "RECORDED", "MORE", "FEWER", "OF DECISIONS"}}
	var rows []under
	for _, a := range all {
		one := under{a.Service, why.Clock(a.From), why.Clock(a.To), law, a.Recorded, a.Would, a.Steps, a.Differ, a.More, []span{}}
		for _, r := range a.Runs {
			one.Spans = append(one.Spans, span{why.Clock(r.From), why.Clock(r.To), r.Recorded, r.Would})
		}
		rows = append(rows, one)
		t.Rows = append(t.Rows, []string{
			a.Service, law, fmt.Sprintf("%.2f", a.Would), fmt.Sprintf("%.2f", a.Recorded), strconv.Itoa(a.More), strconv.Itoa(a.Differ - a.More), strconv.Itoa(a.Steps),
		})
	}
	if err := terminal.PrintAs(s.Out, output, rows, t); err != nil || output != "table" {
		return err
	}
	return printSpans(s.Out, rows)
}

// shownSpans is how many are shown of all services.
const shownSpans = 20

// printSpans shows where the numbers are not the same.
func printSpans(w io.Writer, rows []under) error {
	t := terminal.Table{Header: []string{"SERVICE", "FROM", "TO", "RECORDED", "WOULD"}}
	left := 0
	for _, r := range rows {
		for _, s := range r.Spans {
			if len(t.Rows) == shownSpans {
				left++
				continue
			}
			t.Rows = append(t.Rows, []string{r.Service, s.From, s.To, strconv.Itoa(s.Recorded), strconv.Itoa(s.Would)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	if err := t.Print(w); err != nil || left == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "and %d more: -o json has all\n", left)
	return err
}
