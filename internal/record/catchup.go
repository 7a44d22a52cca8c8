package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
)

// Left is how a log leaves a service.
type Left struct {
	UID   string        // of the object; "" where the log does not say
	At    time.Duration // of the last step
	State decide.State  // after it
}

// ErrNoSteps is of a log without one.
var ErrNoSteps = errors.New("the record has no step in it")

// checkpointed begins the line of a checkpoint, and no other.
var checkpointed = []byte(`{"Version":`)

// CatchUp makes the decisions in the log of one service again, from its last checkpoint on, for
// what was remembered after the last of them. What follows the last whole line was being written
// when the writer ended, and was not recorded.
func CatchUp(log io.Reader) (Left, error) {
	lines, err := tail(log)
	if err != nil {
		return Left{}, err
	}
	var of replaying
	var left Left
	r := NewReader(lines)
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if e.Brief {
			return Left{}, ErrBrief
		}
		if err := of.step(e); err != nil {
			return Left{}, err
		}
		left = Left{e.UID, e.Now(), of.state}
	}
	switch damages := r.Damages(); {
	case len(damages) > 0:
		return Left{}, fmt.Errorf("reading the steps since the last checkpoint: %s", damages[0].Why)
	case r.Lost() > 0:
		return Left{}, errors.New("the record begins without a checkpoint")
	case of.Decisions == 0:
		return Left{}, ErrNoSteps
	case !of.Identical():
		return Left{}, errors.New("made again, a decision is another: another law made it")
	}
	return left, nil
}

// tail is what can follow of a log's last checkpoint: the whole lines from it on.
func tail(log io.Reader) (*bytes.Buffer, error) {
	var lines bytes.Buffer
	for r := bufio.NewReader(log); ; {
		line, err := r.ReadBytes('\n')
		ended := errors.Is(err, io.EOF)
		switch {
		case ended && !json.Valid(line): // torn, or empty
			return &lines, nil
		case err != nil && !ended:
			return nil, err
		case bytes.HasPrefix(line, checkpointed):
			lines.Reset()
		}
		if lines.Write(line); ended {
			return &lines, nil
		}
	}
}
