package recorded

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// A source is a record that can be read.
type source struct {
	names    []string // of its parts, for messages
	parts    []io.Reader
	close    func()
	explains func(error) error // what can be done about what it does not have
}

// inFile is a record in a file, or in a journal's folder with the logs that are named.
func inFile(path string, kinds ...journal.Kind) (source, error) {
	parts, err := journal.Find(path, kinds...)
	if err != nil {
		return source{}, hint.With(fmt.Errorf("reading the record %s: %w", path, terminal.Plain(err)),
			"name a file that flyball simulate --record has written, or the folder of a journal")
	}
	return source{parts, parts.Readers(), func() {}, func(err error) error { return explained(path, err) }}, nil
}

// saidDamages is how many lines that cannot be read are named, and how many gaps.
const saidDamages = 3

// read lets a record be read, and says what it lacks and what of it could not be read.
func read[T any](w io.Writer, s source, do func(*record.Reader) (T, error)) (T, error) {
	defer s.close()
	r := record.NewReader(s.parts...)
	got, err := do(r)
	damages := r.Damages()
	for i, d := range damages {
		if i == saidDamages {
			fmt.Fprintf(w, "warning: %d more lines cannot be read\n", len(damages)-i)
			break
		}
		fmt.Fprintf(w, "warning: %s line %d: %s\n", s.names[d.Part], d.Line, terminal.OneLine(d.Why))
	}
	if n := r.Lost(); n > 0 {
		fmt.Fprintf(w, "warning: %d steps after those are left out, up to each service's next checkpoint\n", n)
	}
	gaps := r.Gaps()
	for i, g := range gaps {
		if i == saidDamages {
			fmt.Fprintf(w, "warning: %d more times decisions were not recorded\n", len(gaps)-i)
			break
		}
		fmt.Fprintf(w, "warning: decisions on %s before %s that were not recorded: %d\n", terminal.OneLine(g.Service), why.Clock(g.At), g.Missed)
	}
	return got, s.explains(err)
}

// explained says what can be done about what a record does not have.
func explained(path string, err error) error {
	if none, ok := errors.AsType[why.NoService](err); ok {
		switch {
		case len(none.Services) == 0:
			return hint.With(fmt.Errorf("%s: %w", path, err), "name a file that flyball simulate --record has written, or the folder of a journal")
		case none.Asked == "":
			return hint.With(err, "name one of them: %s", hint.Command("flyball", "why", none.Services[0], "--record", path))
		}
		return hint.Meant(err, none.Asked, none.Services, "one of "+strings.Join(none.Services, ", "))
	}
	switch {
	case errors.Is(err, why.ErrBefore):
		return hint.With(err, "%s shows from when on", hint.Command("flyball", "why", "--record", path, "--changes"))
	case errors.Is(err, record.ErrBrief):
		return hint.With(err, "replay the steps of a journal, or a file of flyball simulate --record")
	}
	return err
}

// Times of no decision.
const (
	always time.Duration = -1            // each
	atEnd  time.Duration = math.MaxInt64 // the last one
)

// at is when --at is: at the end, without it.
func at(text string) (time.Duration, error) {
	if text == "" {
		return atEnd, nil
	}
	t, err := why.ParseClock(text)
	if err != nil {
		return 0, hint.With(fmt.Errorf("--at: %w", err), "flyball why --changes shows the times of a record")
	}
	return t, nil
}
