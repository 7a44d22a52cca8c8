package admit

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Never is the deadline of an empty queue.
const Never = time.Duration(math.MaxInt64)

// A Budget bounds what is held. Bytes are looked at first: a few large bodies
// fill the memory long before a count would notice.
type Budget struct {
	Bytes    int64
	Requests int
}

func (b Budget) validate(name string) error {
	if b.Bytes < 1 || b.Requests < 1 {
		return fmt.Errorf("%s budget is %d bytes and %d requests, must be at least 1 of each", name, b.Bytes, b.Requests)
	}
	return nil
}

// Config bounds a queue. All fields must be set.
type Config struct {
	Service Budget        // of each service
	Total   Budget        // of all services together
	TTL     time.Duration // how long a request may wait
}

// Validate refuses bounds that would hold nothing, or that never act.
func (c Config) Validate() error {
	err := errors.Join(c.Service.validate("service"), c.Total.validate("total"))
	switch {
	case err != nil:
		return err
	case c.Service.Bytes > c.Total.Bytes || c.Service.Requests > c.Total.Requests:
		return fmt.Errorf("service budget (%d bytes, %d requests) exceeds the total (%d bytes, %d requests)",
			c.Service.Bytes, c.Service.Requests, c.Total.Bytes, c.Total.Requests)
	case c.TTL <= 0:
		return fmt.Errorf("TTL is %v, must be positive", c.TTL)
	}
	return nil
}

// A Load is what is held.
type Load struct {
	Requests      int
	Bytes, Tokens int64
}

func (l *Load) add(r Request) {
	l.Requests++
	l.Bytes += r.Bytes
	l.Tokens += r.Tokens
}

func (l *Load) remove(r Request) {
	l.Requests--
	l.Bytes -= r.Bytes
	l.Tokens -= r.Tokens
}

// line is one service's requests, the oldest first.
type line struct {
	load    Load
	clients loads
	queue   chain
	fresh   *held // all before it are late; nil: all are
}

// A Queue holds requests. Its methods take the time on a clock of the caller's; a
// clock that runs backwards stands still here. It is for one goroutine at a time.
type Queue struct {
	config  Config
	now     time.Duration
	known   map[ID]*held
	lines   map[string]*line
	all     chain // the oldest first, so the first deadline first
	total   Load
	clients loads
	offered uint64
	ended   [numOutcomes]uint64
}

// New makes an empty queue.
func New(c Config) (*Queue, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Queue{config: c, known: map[ID]*held{}, lines: map[string]*line{}, clients: loads{}, all: chain{link: byAge}}, nil
}

// Offer puts a request at the end of its service's line, or says why not.
func (q *Queue) Offer(now time.Duration, r Request) Answer {
	q.advance(now)
	q.offered++
	r = r.counted()
	l := q.lines[r.Service]
	v := q.judge(r, l)
	if v != Held {
		q.ended[Refused]++
		return v
	}
	if l == nil {
		l = &line{clients: loads{}, queue: chain{link: byService}}
		q.lines[r.Service] = l
	}
	h := &held{Request: r, since: q.now, deadline: Never, line: l}
	if q.now < Never-q.config.TTL {
		h.deadline = q.now + q.config.TTL
	}
	q.known[r.ID] = h
	q.all.push(h)
	q.total.add(r)
	q.clients.add(r)
	l.clients.add(r)
	l.queue.push(h)
	if l.fresh == nil {
		l.fresh = h
	}
	l.load.add(r)
	return Held
}

// judge looks at bytes first and at counts second, and at the client's shares last.
func (q *Queue) judge(r Request, l *line) Answer {
	var service, clients Load
	if l != nil {
		service, clients = l.load, l.clients[r.Client]
	}
	c := q.config
	switch {
	case q.known[r.ID] != nil:
		return Duplicate
	case r.Bytes > c.Service.Bytes:
		return TooLarge
	case r.Bytes > c.Service.Bytes-service.Bytes:
		return ServiceBytes
	case r.Bytes > c.Total.Bytes-q.total.Bytes:
		return TotalBytes
	case service.Requests >= c.Service.Requests:
		return ServiceRequests
	case q.total.Requests >= c.Total.Requests:
		return TotalRequests
	}
	if v := c.Service.exceeds(r, clients, service); v != Held {
		return v
	}
	return c.Total.exceeds(r, q.clients[r.Client], q.total)
}

// Tick ends the requests whose deadline has come and names them, the oldest first.
func (q *Queue) Tick(now time.Duration) []ID {
	q.advance(now)
	var expired []ID
	for h := q.all.first; h != nil && h.deadline <= q.now; h = q.all.first {
		q.end(h, Expired)
		expired = append(expired, h.ID)
	}
	return expired
}

// Release ends the oldest requests of a service, as many as there is room for,
// and names them in order. One whose deadline has come is left to Tick.
func (q *Queue) Release(now time.Duration, service string, room int) []ID {
	q.advance(now)
	l := q.lines[service]
	if l == nil || room <= 0 {
		return nil
	}
	released := make([]ID, 0, min(room, l.load.Requests))
	for h := l.queue.first; h != nil && len(released) < room; {
		next := h.links[byService].next
		if h.deadline > q.now {
			q.end(h, Released)
			released = append(released, h.ID)
		}
		h = next
	}
	return released
}

// Cancel ends a request whose client has gone. It reports false for one that is
// not held, such as one that has ended.
func (q *Queue) Cancel(id ID) bool {
	h := q.known[id]
	if h == nil {
		return false
	}
	q.end(h, Cancelled)
	return true
}

// GiveUp ends all requests of a service that nothing can wake, and names them,
// the oldest first.
func (q *Queue) GiveUp(service string) []ID {
	l := q.lines[service]
	if l == nil {
		return nil
	}
	given := make([]ID, 0, l.load.Requests)
	for h := l.queue.first; h != nil; h = l.queue.first {
		q.end(h, GivenUp)
		given = append(given, h.ID)
	}
	return given
}

// Next is the first deadline: when Tick has something to do, or Never.
func (q *Queue) Next() time.Duration {
	if q.all.first == nil {
		return Never
	}
	return q.all.first.deadline
}

// Held is what a service holds.
func (q *Queue) Held(service string) Load {
	if l := q.lines[service]; l != nil {
		return l.load
	}
	return Load{}
}

// Total is what all services together hold.
func (q *Queue) Total() Load { return q.total }

// Offered is how many requests were offered so far.
func (q *Queue) Offered() uint64 { return q.offered }

// Ended is how many requests ended that way so far.
func (q *Queue) Ended(o Outcome) uint64 {
	if o < 0 || o >= numOutcomes {
		return 0
	}
	return q.ended[o]
}

func (q *Queue) advance(now time.Duration) { q.now = max(q.now, now) }

// end gives back what the request took.
func (q *Queue) end(h *held, o Outcome) {
	q.ended[o]++
	delete(q.known, h.ID)
	q.all.remove(h)
	q.total.remove(h.Request)
	q.clients.remove(h.Request)
	h.line.clients.remove(h.Request)
	h.line.queue.remove(h)
	if h.line.fresh == h {
		h.line.fresh = h.links[byService].next
	}
	h.line.load.remove(h.Request)
	if h.line.load.Requests == 0 {
		delete(q.lines, h.Service)
	}
}
