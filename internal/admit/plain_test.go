package admit

import (
	"math"
	"slices"
	"time"
)

// plain is the queue as one would write it on paper: one slice, searched anew for
// every question.
type plain struct {
	config Config
	now    time.Duration
	wait   []plainRequest
}

type plainRequest struct {
	Request
	since time.Duration
}

func (p *plain) held(service string) Load {
	var l Load
	for _, w := range p.wait {
		if service == "" || w.Service == service {
			l.Requests++
			l.Bytes += w.Bytes
			l.Tokens += w.Tokens
		}
	}
	return l
}

func (p *plain) heldOf(client, service string) Load {
	all := p.wait
	defer func() { p.wait = all }()
	p.wait = slices.DeleteFunc(slices.Clone(all), func(w plainRequest) bool { return w.Client != client })
	return p.held(service)
}

func (p *plain) offer(now time.Duration, r Request) Answer {
	p.now = max(p.now, now)
	if r.Bytes < 0 {
		r.Bytes = 0
	}
	if r.Tokens < 0 {
		r.Tokens = 0
	}
	if r.Tokens > math.MaxInt32 {
		r.Tokens = math.MaxInt32
	}
	service, total := p.held(r.Service), p.held("")
	switch {
	case slices.ContainsFunc(p.wait, func(w plainRequest) bool { return w.ID == r.ID }):
		return Duplicate
	case r.Bytes > p.config.Service.Bytes:
		return TooLarge
	case service.Bytes+r.Bytes > p.config.Service.Bytes:
		return ServiceBytes
	case total.Bytes+r.Bytes > p.config.Total.Bytes:
		return TotalBytes
	case service.Requests+1 > p.config.Service.Requests:
		return ServiceRequests
	case total.Requests+1 > p.config.Total.Requests:
		return TotalRequests
	}
	if v := p.shares(r); v != Held {
		return v
	}
	p.wait = append(p.wait, plainRequest{r, p.now})
	return Held
}

// shares are looked at by adding up.
func (p *plain) shares(r Request) Answer {
	for _, of := range []struct {
		budget  Budget
		service string
	}{{p.config.Service, r.Service}, {p.config.Total, ""}} {
		all, has := p.held(of.service), p.heldOf(r.Client, of.service)
		switch {
		case r.Client == "":
		case has.Bytes+r.Bytes+all.Bytes > of.budget.Bytes:
			return ClientBytes
		case has.Requests+1+all.Requests > of.budget.Requests:
			return ClientRequests
		}
	}
	return Held
}

// take removes up to n of those that match, from the front.
func (p *plain) take(n int, match func(plainRequest) bool) []ID {
	var ids []ID
	var rest []plainRequest
	for _, w := range p.wait {
		if len(ids) < n && match(w) {
			ids = append(ids, w.ID)
		} else {
			rest = append(rest, w)
		}
	}
	p.wait = rest
	return ids
}

func (p *plain) expired(w plainRequest) bool { return p.now-w.since >= p.config.TTL }

func (p *plain) tick(now time.Duration) []ID {
	p.now = max(p.now, now)
	return p.take(len(p.wait), p.expired)
}

func (p *plain) release(now time.Duration, service string, room int) []ID {
	p.now = max(p.now, now)
	return p.take(room, func(w plainRequest) bool { return w.Service == service && !p.expired(w) })
}

func (p *plain) cancel(id ID) bool {
	return len(p.take(1, func(w plainRequest) bool { return w.ID == id })) == 1
}

func (p *plain) giveUp(service string) []ID {
	return p.take(len(p.wait), func(w plainRequest) bool { return w.Service == service })
}

func (p *plain) next() time.Duration {
	first := Never
	for _, w := range p.wait {
		first = min(first, w.since+p.config.TTL)
	}
	return first
}
