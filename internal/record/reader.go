package record

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
)

// longest is how long a line may be: a checkpoint of hundreds of pods.
const longest = 16 << 20

// An Entry is a step as it was read.
type Entry struct {
	Service string
	Place
	Step
	// Checkpoint says that the step's state was read; of others it is not known.
	Checkpoint bool
	// Begins says that its writer began with it, or that something before it was not read:
	// what was remembered may be another than the steps before come to.
	Begins bool
}

// A Place is a line of a part of a log, which are counted from 0 and the lines from 1.
type Place struct{ Part, Line int }

// Damage is what a log says that could not be read.
type Damage struct {
	Place
	Why string
}

// A Gap is before a step: so many could not be recorded when they were made.
type Gap struct {
	Service string
	At      time.Duration // of the step
	Missed  int
}

// A Reader reads a log.
type Reader struct {
	parts    []io.Reader // the first is being read
	lines    *bufio.Scanner
	at       Place
	services map[string]*read
	damages  []Damage
	gaps     []Gap
	lost     int
}

// read is the last step of a service.
type read struct {
	policy decide.Policy
	uid    string
	input  decide.Input
	made   decide.Decision
}

// NewReader reads a log that is in one part or in several, as they follow one another.
func NewReader(parts ...io.Reader) *Reader {
	r := &Reader{parts: parts, services: map[string]*read{}}
	r.begin()
	return r
}

// begin is at the first of the parts that are left.
func (r *Reader) begin() {
	if r.at.Line = 0; len(r.parts) > 0 {
		r.lines = bufio.NewScanner(r.parts[0])
		r.lines.Buffer(make([]byte, 0, 64<<10), longest)
	}
}

// Next is the next step that can be read, and false at the end.
func (r *Reader) Next() (Entry, bool) {
	for len(r.parts) > 0 {
		if e, ok := r.inPart(); ok {
			return e, true
		}
		if err := r.lines.Err(); err != nil {
			r.at.Line++
			r.damaged(err)
		}
		r.parts = r.parts[1:]
		r.at.Part++
		r.begin()
	}
	return Entry{}, false
}

// inPart is the next step of the part that is being read.
func (r *Reader) inPart() (Entry, bool) {
	for r.lines.Scan() {
		r.at.Line++
		text := r.lines.Bytes()
		if len(text) == 0 { // after a line that was torn
			continue
		}
		e, err := r.read(text)
		switch {
		case errors.Is(err, errLost):
			r.lost++
		case err != nil:
			r.damaged(err)
		default:
			return e, true
		}
	}
	return Entry{}, false
}

// damaged makes each service wait for a checkpoint: it is not known whose line it was.
func (r *Reader) damaged(err error) {
	clear(r.services)
	r.damages = append(r.damages, Damage{r.at, err.Error()})
}

// Damages are what could not be read so far, in their order.
func (r *Reader) Damages() []Damage { return r.damages }

// Lost is how many lines so far say only what changed since one that was not read.
func (r *Reader) Lost() int { return r.lost }

// Gaps are those that were met so far, from the oldest to the newest. What two logs of one
// service say both is one.
func (r *Reader) Gaps() []Gap {
	slices.SortFunc(r.gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Missed, b.Missed))
	})
	return slices.Compact(r.gaps)
}

// errLost is of a line that says only what changed since one that was not read.
var errLost = errors.New("what came before was not read")

func (r *Reader) read(text []byte) (Entry, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Entry{}, fmt.Errorf("not a line of a record, or not all of it: %w", err)
	}
	e := Entry{Service: l.Service, Place: r.at, Checkpoint: l.Policy != nil}
	last := r.services[l.Service]
	e.Begins = last == nil || l.Begins
	if e.Checkpoint {
		if l.Version != Version {
			return e, fmt.Errorf("version %d is not known here, only %d", l.Version, Version)
		}
		if l.Input == nil || l.Decision == nil || (l.State == nil) != l.Brief {
			return e, errors.New("a checkpoint without all that belongs to one")
		}
		last = &read{policy: *l.Policy, uid: l.UID}
	}
	if last == nil {
		return e, errLost
	}
	if err := last.change(l); err != nil {
		return e, err
	}
	r.services[l.Service] = last
	e.Step = Step{Policy: last.policy, UID: last.uid, Input: last.input, Decision: last.made, Brief: l.Brief, Missed: l.Missed}
	if l.Missed > 0 {
		r.gaps = append(r.gaps, Gap{l.Service, e.Now(), l.Missed})
	}
	if l.State != nil {
		e.State = *l.State
	}
	return e, nil
}

// change makes of the last step the one of a line.
func (r *read) change(l line) error {
	if l.Input != nil {
		r.input = *l.Input
	} else {
		in := cloneInput(r.input)
		var n numbers
		n.input(&in)
		if err := apply(n.all, l.InputChanges); err != nil {
			return fmt.Errorf("input: %w", err)
		}
		n.put = true
		n.input(&in)
		r.input = in
	}
	if l.Decision != nil {
		r.made = *l.Decision
		return nil
	}
	d := cloneDecision(r.made)
	n := numbersOf(d)
	if err := apply(n.all, l.DecisionChanges); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	n.put = true
	n.decision(&d)
	r.made = d
	return nil
}
