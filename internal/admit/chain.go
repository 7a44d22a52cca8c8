package admit

import "time"

// held is a request that waits. It stands in two chains: in that of its service
// and in that of all.
type held struct {
	Request
	since, deadline time.Duration
	line            *line
	links           [numLinks]link
}

type link struct{ prev, next *held }

// which of its links a request stands in a chain by
const (
	byService = iota
	byAge
	numLinks
)

// chain is a list that a request leaves in constant time, from anywhere.
type chain struct {
	link        int
	first, last *held
}

func (c *chain) push(h *held) {
	h.links[c.link].prev = c.last
	if c.last == nil {
		c.first = h
	} else {
		c.last.links[c.link].next = h
	}
	c.last = h
}

// remove leaves the links of h alone: nothing leads to it any more.
func (c *chain) remove(h *held) {
	l := h.links[c.link]
	if l.prev == nil {
		c.first = l.next
	} else {
		l.prev.links[c.link].next = l.next
	}
	if l.next == nil {
		c.last = l.prev
	} else {
		l.next.links[c.link].prev = l.prev
	}
}
