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
	line     bytes.Buffer
}

// written is what is known of a service by whoever reads so far.
type written struct {
	policy                  decide.Policy
	uid                     string
	brief                   bool
	scratch                 bool // its state had nothing of a law
	checkpoint              time.Duration
	input, decision         numbers
	nextInput, nextDecision numbers
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, services: map[string]*written{}} }

// Write adds a step of a service, NAMESPACE/NAME. After an error each service begins with
// a checkpoint again, on a line of its own.
func (w *Writer) Write(service string, s Step) error {
	known := w.services[service]
	if known == nil {
		known = &written{}
		w.services[service] = known
	}
	l := known.next(s)
	l.Service = service
	w.line.Reset()
	if w.torn {
		w.line.WriteByte('\n')
	}
	e := json.NewEncoder(&w.line) // it ends the line
	e.SetEscapeHTML(false)
	err := e.Encode(l)
	if err == nil {
		_, err = w.w.Write(w.line.Bytes())
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
func (k *written) next(s Step) line {
	k.nextInput.take().input(&s.Input)
	k.nextDecision.take().decision(&s.Decision)
	l := line{Brief: s.Brief, Begins: len(k.input.all) == 0 || s.Missed > 0, Missed: s.Missed}
	full := l.Begins || k.due(s)
	if full {
		l.Version, l.UID, l.Policy = Version, s.UID, &s.Policy
		if !s.Brief {
			l.State = &s.State
		}
		k.policy, k.uid, k.checkpoint, k.brief = s.Policy, s.UID, s.Now(), s.Brief
	}
	if full || string(k.input.shape) != string(k.nextInput.shape) {
		l.Input = &s.Input
	} else {
		l.InputChanges = string(changes(nil, k.input.all, k.nextInput.all))
	}
	if full || string(k.decision.shape) != string(k.nextDecision.shape) {
		l.Decision = &s.Decision
	} else {
		l.DecisionChanges = string(changes(nil, k.decision.all, k.nextDecision.all))
	}
	k.scratch = s.State.Law == nil
	k.input, k.nextInput = k.nextInput, k.input
	k.decision, k.nextDecision = k.nextDecision, k.decision
	return l
}
