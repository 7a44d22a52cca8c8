package recorded

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// Commands are all of them.
func Commands(s *terminal.Streams) []*cobra.Command {
	return []*cobra.Command{newWhy(s), newReplay(s)}
}

// saidDamages is how many lines that cannot be read are named.
const saidDamages = 3

// read opens a record, lets it be read, and says what of it could not be.
func read[T any](w io.Writer, path string, kinds []journal.Kind, do func(*record.Reader) (T, error)) (T, error) {
	parts, err := journal.Find(path, kinds...)
	if err != nil {
		var none T
		return none, hint.With(fmt.Errorf("reading the record %s: %w", path, terminal.Plain(err)),
			"name a file that flyball simulate --record has written, or the folder of a journal")
	}
	r := record.NewReader(parts.Readers()...)
	got, err := do(r)
	damages := r.Damages()
	for i, d := range damages {
		if i == saidDamages {
			fmt.Fprintf(w, "warning: %d more lines cannot be read\n", len(damages)-i)
			break
		}
		fmt.Fprintf(w, "warning: %s line %d: %s\n", parts[d.Part], d.Line, terminal.OneLine(d.Why))
	}
	if n := r.Lost(); n > 0 {
		fmt.Fprintf(w, "warning: %d steps after those are left out, up to each service's next checkpoint\n", n)
	}
	return got, explained(path, err)
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

// at is when --at is: at the end, without it.
func at(text string) (time.Duration, error) {
	if text == "" {
		return math.MaxInt64, nil
	}
	t, err := why.ParseClock(text)
	if err != nil {
		return 0, hint.With(fmt.Errorf("--at: %w", err), "flyball why --record FILE --changes shows the times of a record")
	}
	return t, nil
}
