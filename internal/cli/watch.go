package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kube/overview"
)

// watchPeriod is a third of the HPA's period, so that each of its steps is seen.
const watchPeriod = 5 * time.Second

// A statusWatch prints what changed since it last printed, as kubectl get -w does: the
// header once, then one row for each change.
type statusWatch struct {
	*terminal.Streams
	options statusOptions
	rows    []explain.Row
	header  string
	failed  string // the last reading, if it did
	unread  []overview.Unread
}

// watchStatus prints the status, and what changes of it until ctx ends. A cluster that does
// not answer at first ends it; one that does not answer later is what somebody watches for.
func watchStatus(ctx context.Context, s *terminal.Streams, api client.Reader, o statusOptions) error {
	w := &statusWatch{Streams: s, options: o}
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for first := true; ; first = false {
		read, err := readRows(ctx, api, o)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			w.fail(err)
		default:
			w.failed = ""
			if err := errors.Join(w.print(read.Rows, time.Now()), w.miss(read.Unread)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// fail says once what keeps being so.
func (w *statusWatch) fail(err error) {
	if err.Error() != w.failed {
		terminal.PrintError(w.Err, err)
	}
	w.failed = err.Error()
}

// miss says once what is not told.
func (w *statusWatch) miss(unread []overview.Unread) error {
	before := w.unread
	w.unread = unread
	return printUnread(w.Streams, slices.DeleteFunc(slices.Clone(unread), func(u overview.Unread) bool { return slices.Contains(before, u) }))
}

func (w *statusWatch) print(rows []explain.Row, now time.Time) error {
	before := w.rows
	w.rows = rows
	var changed []explain.Row
	var at []int
	for i, r := range rows {
		if !slices.ContainsFunc(before, func(b explain.Row) bool { return reflect.DeepEqual(b, r) }) {
			changed, at = append(changed, r), append(at, i)
		}
	}
	if err := w.printAbsent(before); err != nil {
		return err
	}
	if len(changed) == 0 {
		return nil
	}
	switch w.options.output {
	case "json", "yaml":
		return w.printDocument(changed)
	case "wide":
		return w.printLines(rows, at, now)
	}
	if err := w.printLines(rows, at, now); err != nil {
		return err
	}
	return printNotes(w.Streams, changed)
}

// printAbsent says what is not there any more, and at first that nothing is.
func (w *statusWatch) printAbsent(before []explain.Row) error {
	if before == nil && len(w.rows) == 0 {
		return printNone(w.Streams, w.options)
	}
	for _, b := range before {
		there := func(r explain.Row) bool { return r.Namespace == b.Namespace && r.Name == b.Name }
		if slices.ContainsFunc(w.rows, there) {
			continue
		}
		if _, err := fmt.Fprintf(w.Err, "%s/%s: deleted\n", b.Namespace, b.Name); err != nil {
			return err
		}
	}
	return nil
}

// printDocument writes each change as a document of its own.
func (w *statusWatch) printDocument(changed []explain.Row) error {
	if w.options.output == "yaml" {
		if _, err := io.WriteString(w.Out, "---\n"); err != nil {
			return err
		}
	}
	return terminal.PrintAs(w.Out, w.options.output, changed, terminal.Table{})
}

// printLines aligns the lines with those of all rows, and repeats a header that changed.
func (w *statusWatch) printLines(rows []explain.Row, at []int, now time.Time) error {
	var all bytes.Buffer
	table := statusTable(rows, w.options, now)
	if err := table.Print(&all); err != nil {
		return err
	}
	lines := slices.Collect(bytes.Lines(all.Bytes()))
	if header := fmt.Sprint(table.Header); header != w.header {
		w.header = header
		at = append([]int{-1}, at...)
	}
	for _, i := range at {
		if _, err := w.Out.Write(lines[i+1]); err != nil {
			return err
		}
	}
	return nil
}
