package admit

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Orders are in which held requests go: by arrival, once a replica is ready, or by a Promise,
// once one has room.
func Orders() []string { return []string{"arrival", "promise"} }

// ParseOrder says whether an order is by promise.
func ParseOrder(text string) (byPromise bool, err error) {
	if !slices.Contains(Orders(), text) {
		return false, fmt.Errorf("no order %q; there are %s", text, strings.Join(Orders(), " and "))
	}
	return text == "promise", nil
}

// A Promise is what requests are released by that are to have their first token in time:
// those that can still have it first, then the others, each by arrival, and before all
// one that has waited for Bound. What waits in front of all replicas can be put into
// that order; what waits inside an engine cannot.
type Promise struct {
	TTFT  time.Duration // after arrival
	Bound time.Duration // none that has waited so long is passed by a younger one
	// Once it is sent, a request has its first token after Rest and PerToken for each
	// token of its prompt and of those that its replica has still to read.
	PerToken, Rest time.Duration
}

// A Place is what one ready replica can take.
type Place struct {
	Free    int   // requests
	Reading int64 // tokens of prompts that it was sent and has given no first token for
}

// Placed is a request that was released, and the index of its place.
type Placed struct {
	ID    ID
	Place int
}

// reading says whether a replica has enough to read: so much that it takes a quarter of
// TTFT. More would only wait behind it, beyond any order; less would leave the replica
// idle between two prompts.
func (p Promise) reading(tokens int64) bool { return p.First(tokens)-p.Rest > p.TTFT/4 }

// First is how long after it was sent a request has its first token, of so many tokens that
// its replica has to read.
func (p Promise) First(tokens int64) time.Duration {
	took := float64(max(p.Rest, 0)) + float64(max(p.PerToken, 0))*float64(max(tokens, 0))
	return time.Duration(min(took, math.MaxInt64/2))
}

// late says whether a request is taken to miss TTFT: more than half of the time that it
// could wait is gone. In an overload each is released just before that, so that all of
// them would miss if First were a little too short; with half it may be off by
// (TTFT − First)/2.
func (p Promise) late(waited time.Duration, tokens int64) bool {
	return waited > (p.TTFT-p.First(tokens))/2
}

// ReleaseByPromise ends requests of a service as long as a place has room for the next,
// and names them in order. What a place is given is taken from it. One whose deadline has
// come is left to Tick.
//
// A place takes requests while it has some free, and of more than one prompt no more than
// what is read within a quarter of TTFT. The one with the least to read is next, then the
// one with the most free.
//
// Worked example (TestPromise): TTFT is 3 s, and 4,000 tokens are read in 0.2 s. At 0 s
// requests 1 and 2 come, at 2 s 3 and 4. Then a replica becomes ready: 1 and 2 have waited
// for more than (3 − 0.2)/2 s, so that 3 goes, then 4, and then 1, for three are read in
// 0.6 s of the 0.75 s. At 3 s they have been answered: 2 goes. With a bound of 2 s, 1 and 2
// go first.
func (q *Queue) ReleaseByPromise(now time.Duration, service string, p Promise, places []Place) []Placed {
	q.advance(now)
	l := q.lines[service]
	if l == nil {
		return nil
	}
	var placed []Placed
	for i := emptiest(places); i >= 0; i = emptiest(places) {
		at := &places[i]
		h := l.next(q.now, p, at.Reading)
		if h == nil || at.Reading > 0 && p.reading(at.Reading+h.Prompt) {
			break
		}
		q.end(h, Released)
		at.Free, at.Reading = at.Free-1, at.Reading+h.Prompt
		placed = append(placed, Placed{h.ID, i})
	}
	return placed
}

// emptiest is the place that is next, or −1 if none has one free.
func emptiest(places []Place) int {
	best := -1
	for i, p := range places {
		if p.Free <= 0 {
			continue
		}
		if b := best; b < 0 || p.Reading < places[b].Reading || p.Reading == places[b].Reading && p.Free > places[b].Free {
			best = i
		}
	}
	return best
}

// next is the request that a replica with so many tokens to read gets, or nil. All stand
// by arrival, and those that are late are the first of them: all before fresh. So each is
// passed once.
func (l *line) next(now time.Duration, p Promise, reading int64) *held {
	oldest := l.queue.first
	for oldest != nil && oldest.deadline <= now {
		oldest = oldest.links[byService].next
	}
	if oldest == nil || now-oldest.since >= p.Bound {
		return oldest
	}
	for h := l.fresh; h != nil && (h.deadline <= now || p.late(now-h.since, reading+h.Prompt)); h = l.fresh {
		l.fresh = h.links[byService].next
	}
	if l.fresh != nil {
		return l.fresh
	}
	return oldest
}
