package des

import "time"

// An Event is what was pushed, with the time at which it is due.
type Event[E any] struct {
	At       time.Duration
	Priority int
	What     E
	sequence uint64
}

// A Queue holds the events that are still to come, by value: once it has been as long
// as it gets, pushing and popping allocate nothing. The zero Queue is empty and at
// time 0.
type Queue[E any] struct {
	heap   []Event[E] // the earliest first; each comes before its children 2i+1 and 2i+2
	pushed uint64
	now    time.Duration
}

// Push adds an event. Of those due at one time the lowest priority comes first.
func (q *Queue[E]) Push(at time.Duration, priority int, what E) {
	q.heap = append(q.heap, Event[E]{max(at, q.now), priority, what, q.pushed})
	q.pushed++
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.before(i, parent) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

// Next is when the earliest event is due.
func (q *Queue[E]) Next() (at time.Duration, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].At, true
}

// Pop takes the earliest event out and moves the clock to its time.
func (q *Queue[E]) Pop() (e Event[E], ok bool) {
	if len(q.heap) == 0 {
		return Event[E]{}, false
	}
	first, last := q.heap[0], len(q.heap)-1
	q.now = first.At
	q.heap[0] = q.heap[last]
	q.heap[last] = Event[E]{} // what it refers to may be collected
	q.heap = q.heap[:last]
	q.sink()
	return first, true
}

// Len is how many events are to come.
func (q *Queue[E]) Len() int { return len(q.heap) }

// Now is the time of the event popped last.
func (q *Queue[E]) Now() time.Duration { return q.now }

// sink moves the first event down to where it belongs.
func (q *Queue[E]) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q.heap); child++ {
			if q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}

func (q *Queue[E]) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	switch {
	case a.At != b.At:
		return a.At < b.At
	case a.Priority != b.Priority:
		return a.Priority < b.Priority
	default:
		return a.sequence < b.sequence
	}
}
