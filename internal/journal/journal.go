package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/record"
)

// A Bound is how much of a service's log is kept.
type Bound struct {
	Age   time.Duration
	Bytes int64
}

// Config is where a journal lies, and what it keeps of each service.
type Config struct {
	Folder  string
	Steps   Bound // all that a replay needs; zero: a week, 100 MB
	Changes Bound // decisions that are news; zero: a year, 50 MB
	Bytes   int64 // of all services together; 0: as many as their bounds allow
}

// segment is after how many bytes a file is followed by the next: 1/16 of what is kept at
// most, so that what is removed at once is little.
func (b Bound) segment() int64 { return max(b.Bytes/16, 4<<10) }

// A Journal writes down steps. Its methods may be called at the same time.
type Journal struct {
	config Config
	ledger *ledger
	reads  chan struct{} // one for each that is under way

	mu       sync.Mutex // of what is written
	services map[string]*service
	scratch  record.Scratch
}

// service is what is being written of one.
type service struct {
	steps, changes series
	last           decide.Decision
	told           bool
}

// Open makes the folder if there is none.
func Open(c Config) (*Journal, error) {
	if c.Steps == (Bound{}) {
		c.Steps = Bound{7 * 24 * time.Hour, 100 << 20}
	}
	if c.Changes == (Bound{}) {
		c.Changes = Bound{366 * 24 * time.Hour, 50 << 20}
	}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return nil, hint.With(fmt.Errorf("opening the journal: %w", err), "name a folder that may be made and written to")
	}
	l, err := openLedger(c.Folder, c.Bytes)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &Journal{config: c, ledger: l, reads: make(chan struct{}, mostReads), services: map[string]*service{}}, nil
}

// Append writes down a step of a service, NAMESPACE/NAME, and takes as long as the disk
// does. An error is of a step that is not in the journal, or not in both of its logs; the
// next one is tried again.
func (j *Journal) Append(name string, s record.Step) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	known, err := j.serviceLocked(name)
	if err != nil {
		return err
	}
	err = known.steps.append(name, s)
	if !known.told || s.Missed > 0 || record.News(known.last, s.Decision) {
		brief := known.changes.append(name, s.Shorten())
		known.told = brief == nil
		err = errors.Join(err, brief)
	}
	known.last = s.Decision
	return err
}

// Size is how many bytes all files take.
func (j *Journal) Size() int64 { return j.ledger.size() }

// serviceLocked is the one of a name, which must not lead out of the folder.
func (j *Journal) serviceLocked(name string) (*service, error) {
	if known := j.services[name]; known != nil {
		return known, nil
	}
	folder, err := j.folder(name)
	if err != nil {
		return nil, err
	}
	known := &service{
		steps:   series{folder: folder, kind: Steps, bound: j.config.Steps, ledger: j.ledger, scratch: &j.scratch},
		changes: series{folder: folder, kind: Changes, bound: j.config.Changes, ledger: j.ledger, scratch: &j.scratch},
	}
	j.services[name] = known
	j.ledger.join(2)
	return known, nil
}

// folder is that of a service.
func (j *Journal) folder(name string) (string, error) {
	if !filepath.IsLocal(name) || name == "." || filepath.Clean(name) != name {
		return "", fmt.Errorf("journal: %q is no name of a service", name)
	}
	return filepath.Join(j.config.Folder, filepath.FromSlash(name)), nil
}
