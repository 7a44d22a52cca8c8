package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
)

// checkpoints is how far apart they are: from each of them on a log can be read.
const checkpoints = time.Hour

// line is one of the log.
type line struct {
	Version int    `json:",omitempty"` // of a checkpoint
	Service string // NAMESPACE/NAME
	Brief   bool   `json:",omitempty"`
	Begins  bool   `json:",omitempty"` // steps may be lost between the line before and this one
	Missed  int    `json:",omitempty"` // so many are
	UID     string `json:",omitempty"` // of a checkpoint

	Policy *decide.Policy `json:",omitempty"`
	State  *decide.State  `json:",omitempty"`
	// Input and Decision are in full, or as changes since the service's last line.
	Input           *decide.Input    `json:",omitempty"`
	InputChanges    string           `json:",omitempty"`
	Decision        *decide.Decision `json:",omitempty"`
	DecisionChanges string           `json:",omitempty"`
}

// A Writer writes a log, a line for each step. It keeps what it needs of the last step of
// each service, and nothing that it was given.
type Writer struct {
	w        io.Writer
	services map[string]*written
	torn     bool // the last line may be
	scratch  *Scratch
}

// A Scratch is what a Writer needs while it writes. Those that share one, since there are many
// and each writes seldom, do not write at the same time. The zero value is one.
type Scratch struct {
	input, decision numbers
	line            bytes.Buffer
}

// written is what is known of a service by whoever reads so far.
type written struct {
	policy          decide.Policy
	uid             string
	brief           bool
	scratch         bool // its state had nothing of a law
	checkpoint      time.Duration
	input, decision held
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return new(Scratch).NewWriter(w) }

// NewWriter writes to w, and shares the scratch.
func (s *Scratch) NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, services: map[string]*written{}, scratch: s}
}

// Write adds a step of a service, NAMESPACE/NAME. After an error each service begins with
// a checkpoint again, on a line of its own.
func (w *Writer) Write(service string, s Step) error {
	known := w.services[service]
	if known == nil {
		known = &written{}
		w.services[service] = known
	}
	own := w.scratch
	l := known.next(s, own)
	l.Service = service
	own.line.Reset()
	if w.torn {
		own.line.WriteByte('\n')
	}
	e := json.NewEncoder(&own.line) // it ends the line
	e.SetEscapeHTML(false)
	err := e.Encode(l)
	if err == nil {
		_, err = w.w.Write(own.line.Bytes())
	}
	if err != nil {
		clear(w.services)
		w.torn = true
		return fmt.Errorf("recording a decision of %s: %w", service, err)
	}
	w.torn = false
	return nil
}

// due says whether a step is to be a checkpoint: an hour after the last one, and where what
// is decided by, or on, is another than before.
func (k *written) due(s Step) bool {
	now, scratch := s.Now(), !s.Brief && s.State.Law == nil && !k.scratch
	return scratch || k.uid != s.UID || k.brief != s.Brief || now < k.checkpoint || now >= k.checkpoint+checkpoints || !reflect.DeepEqual(k.policy, s.Policy)
}

// next is the line of a step after those before.
func (k *written) next(s Step, own *Scratch) line {
	own.input.take().input(&s.Input)
	own.decision.take().decision(&s.Decision)
	l := line{Brief: s.Brief, Begins: len(k.input.bits) == 0 || s.Missed > 0, Missed: s.Missed}
	full := l.Begins || k.due(s)
	if full {
		l.Version, l.UID, l.Policy = Version, s.UID, &s.Policy
		if !s.Brief {
			l.State = &s.State
		}
		k.policy, k.uid, k.checkpoint, k.brief = s.Policy, s.UID, s.Now(), s.Brief
	}
	if full || string(k.input.shape) != string(own.input.shape) {
		l.Input = &s.Input
	} else {
		l.InputChanges = string(changes(nil, k.input.bits, own.input.all))
	}
	if full || string(k.decision.shape) != string(own.decision.shape) {
		l.Decision = &s.Decision
	} else {
		l.DecisionChanges = string(changes(nil, k.decision.bits, own.decision.all))
	}
	k.scratch = s.State.Law == nil
	k.input.hold(&own.input)
	k.decision.hold(&own.decision)
	return l
}
