package admit

import (
	"cmp"
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
	late  bool // it was, once
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
	r.Prompt = min(max(r.Prompt, 0), math.MaxInt32)
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
	p.wait = append(p.wait, plainRequest{Request: r, since: p.now})
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

// releaseByPromise asks anew who is next, and where to, after each.
func (p *plain) releaseByPromise(now time.Duration, service string, promise Promise, places []Place) []Placed {
	p.now = max(p.now, now)
	var placed []Placed
	for {
		var free []*Place
		for i := range places {
			if places[i].Free > 0 {
				free = append(free, &places[i])
			}
		}
		if len(free) == 0 {
			return placed
		}
		at := slices.MinFunc(free, func(a, b *Place) int { return cmp.Or(cmp.Compare(a.Reading, b.Reading), b.Free-a.Free) })
		w := p.first(service, promise, at.Reading)
		if w == nil || at.Reading > 0 && 4*time.Duration(at.Reading+w.Prompt)*promise.PerToken > promise.TTFT {
			return placed
		}
		at.Free--
		at.Reading += w.Prompt
		for i := range places {
			if &places[i] == at {
				placed = append(placed, Placed{w.ID, i})
			}
		}
		p.cancel(w.ID)
	}
}

// first is who is next.
func (p *plain) first(service string, promise Promise, reading int64) *plainRequest {
	var waiting []*plainRequest
	for i := range p.wait {
		if w := &p.wait[i]; w.Service == service && !p.expired(*w) {
			waiting = append(waiting, w)
		}
	}
	if len(waiting) == 0 || p.now-waiting[0].since >= promise.Bound {
		return append(waiting, nil)[0]
	}
	for _, w := range waiting {
		first := promise.Rest + time.Duration(reading+w.Prompt)*promise.PerToken
		if w.late = w.late || w.since+(promise.TTFT-first)/2 < p.now; !w.late {
			return w
		}
	}
	return waiting[0]
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
