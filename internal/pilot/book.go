package pilot

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
)

// A Service is named as the object that asks for it to be scaled is.
type Service struct{ Namespace, Name string }

func (s Service) String() string { return s.Namespace + "/" + s.Name }

// Compare orders services by namespace, then name.
func (s Service) Compare(o Service) int {
	return cmp.Or(cmp.Compare(s.Namespace, o.Namespace), cmp.Compare(s.Name, o.Name))
}

// An Answer is the last decision on a service.
type Answer struct {
	UID      string // of whom
	Replicas int
	Was      int       // replicas that the target had then
	At       time.Time // of the step
	Reasons  []law.Reason
	Grant    *budget.Grant // of the GPUs, where it is fewer than the law asks for
	Pods     int           // that were ready, but for those that cannot have been read yet
	Read     int           // of these, of which something was read
	// Kept is what this process has counted of the promise since it began.
	Kept law.Counted
	// Tally compares what ran with what was advised, where something else scales it.
	Tally advice.Tally
	// Front is what requests that wait in front of the replicas may go by.
	Front decide.Front
}

// A Book holds the last answers. The one that leads writes it step by step, the others copy
// the leader's.
type Book struct {
	mu        sync.Mutex
	answers   map[Service]Answer
	changed   chan struct{}               // closed at the next change
	followers map[Service][]chan struct{} // of one service each
}

// NewBook is empty.
func NewBook() *Book {
	return &Book{answers: map[Service]Answer{}, changed: make(chan struct{}), followers: map[Service][]chan struct{}{}}
}

// Answer is the last on a service; false if there is none.
func (b *Book) Answer(s Service) (Answer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.answers[s]
	return a, ok
}

// Changed is closed when any service's replicas are others than now, or it is forgotten.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Follow has changed receive once the service's answer is of another object or of other replicas
// than before, it is forgotten, or told; until stop is called. Changes that nobody has received
// yet are one. Other services' changes cost who follows one nothing.
func (b *Book) Follow(s Service) (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followers[s] = append(b.followers[s], c)
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.followers[s] = slices.DeleteFunc(b.followers[s], func(o chan struct{}) bool { return o == c })
		if len(b.followers[s]) == 0 {
			delete(b.followers, s)
		}
	}
}

// Tell has who follows a service look again: what it is entitled to may be another than before.
func (b *Book) Tell(s Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tellLocked(s)
}

// All are the answers there are.
func (b *Book) All() map[Service]Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.answers)
}

// Copy takes over all answers of another book.
func (b *Book) Copy(all map[Service]Answer) {
	for s, a := range all {
		b.put(s, a)
	}
	b.retain(func(s Service) bool { _, ok := all[s]; return ok })
}

func (b *Book) put(s Service, a Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.answers[s]
	b.answers[s] = a
	if !known || before.UID != a.UID || before.Replicas != a.Replicas {
		b.changedLocked(s)
	}
}

// retain forgets the services that are not kept.
func (b *Book) retain(kept func(Service) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.answers {
		if !kept(s) {
			delete(b.answers, s)
			b.changedLocked(s)
		}
	}
}

func (b *Book) changedLocked(s Service) {
	close(b.changed)
	b.changed = make(chan struct{})
	b.tellLocked(s)
}

func (b *Book) tellLocked(s Service) {
	for _, c := range b.followers[s] {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}
