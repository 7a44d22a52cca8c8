package journal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/record"
)

// An Outcome is what becomes of a step that is put into a queue.
type Outcome int

// The outcomes.
const (
	outcomeUnknown Outcome = iota
	Written
	Dropped // the queue was full
	Failed  // the disk did not take it, or not into both logs
	numOutcomes
)

var outcomeNames = [numOutcomes]string{Written: "written", Dropped: "dropped", Failed: "failed"}

func (o Outcome) String() string {
	if o <= outcomeUnknown || o >= numOutcomes {
		return "unknown"
	}
	return outcomeNames[o]
}

// lastWrites is for how long what waits is still written after the end.
const lastWrites = 5 * time.Second

// A Queue writes steps into a journal, so that who decides need not wait for the disk.
type Queue struct {
	journal *Journal
	most    int // bytes that wait
	count   func(Outcome)
	log     *slog.Logger

	mu      sync.Mutex
	waiting []waiting
	size    int
	dropped map[string]int // steps of a service since the last one that waits
	more    chan struct{}

	// Of Run alone.
	failed  map[string]int // steps of a service since the last one that was written
	trouble bool
}

type waiting struct {
	name string
	step record.Step
}

// NewQueue lets steps of so many bytes in memory wait, and counts what becomes of each.
func NewQueue(j *Journal, most int, count func(Outcome), log *slog.Logger) *Queue {
	return &Queue{journal: j, most: most, count: count, log: log, dropped: map[string]int{}, failed: map[string]int{}, more: make(chan struct{}, 1)}
}

// Put has a step of a service, NAMESPACE/NAME, written. It does not block, and the step must
// not change any more.
func (q *Queue) Put(name string, s record.Step) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := s.Size()
	if q.size+size > q.most {
		q.dropped[name]++
		q.count(Dropped)
		return
	}
	s.Missed += q.dropped[name]
	delete(q.dropped, name)
	q.waiting = append(q.waiting, waiting{name, s})
	q.size += size
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take is all that waits.
func (q *Queue) take() []waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

// written makes the room of a step free.
func (q *Queue) written(size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= size
}

// Run writes until the context ends, and then what waits.
func (q *Queue) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			q.write(ctx)
			return nil
		case <-q.more:
			q.write(ctx)
		}
	}
}

// write writes what waits, and drops what is left when lastWrites are over.
func (q *Queue) write(ctx context.Context) {
	var end time.Time
	for _, one := range q.take() {
		switch ended := ctx.Err() != nil; {
		case ended && end.IsZero():
			end = time.Now().Add(lastWrites)
		case ended && time.Now().After(end):
			q.count(Dropped)
			continue
		}
		one.step.Missed += q.failed[one.name]
		err := q.journal.Append(one.name, one.step)
		q.written(one.step.Size())
		q.say(err)
		if err != nil {
			q.failed[one.name] = one.step.Missed + 1
			q.count(Failed)
			continue
		}
		delete(q.failed, one.name)
		q.count(Written)
	}
}

// say logs when steps begin to be lost, and when no more are.
func (q *Queue) say(err error) {
	switch {
	case err != nil && !q.trouble:
		q.log.Warn("decisions are not recorded", "error", err)
	case err == nil && q.trouble:
		q.log.Info("decisions are recorded again")
	}
	q.trouble = err != nil
}
