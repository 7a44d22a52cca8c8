package admit

import (
	"slices"
	"testing"
	"time"
)

// FuzzQueue plays any sequence of calls on the queue and on a plain one that
// searches a slice, and checks after each that both say the same and that INV-1,
// INV-2, INV-3, INV-4, INV-5 and INV-6 hold.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{20, 3, 40, 5, 10, 0, 1, 9, 0, 2, 9, 3, 2, 1, 1, 0, 30})
	f.Add([]byte("offers and releases, in between a client that goes away"))
	f.Add([]byte{9, 2, 9, 2, 1, 0, 4, 8, 6, 4, 8, 12, 4, 8, 18, 4, 8, 1, 3, 0, 4, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) < 5 || len(ops) > 600 {
			return
		}
		total := Budget{Bytes: 1 + int64(ops[0]%64), Requests: 1 + int(ops[1]%12)}
		c := Config{
			Total:   total,
			Service: Budget{Bytes: 1 + int64(ops[2])%total.Bytes, Requests: 1 + int(ops[3])%total.Requests},
			TTL:     time.Duration(1 + ops[4]%32),
		}
		p := &player{t: t, q: newQueue(t, c), plain: plain{config: c}}
		for i := 5; i+2 < len(ops); i += 3 {
			p.play(ops[i], ops[i+1], ops[i+2])
			p.check()
		}
		p.rest()
	})
}

// player calls both queues and watches each offer to its end.
type player struct {
	t     *testing.T
	q     *Queue
	plain plain
	clock time.Duration
	// offers counts them; of the request with this ID that is held, open is the offer.
	offers  int
	open    map[ID]int
	outcome []Outcome // of each offer, 0 while it is held
	last    [3]int    // the offer released last, per service
	promise *Promise  // releases are by it; nil: by arrival
}

func (p *player) play(op, a, b byte) {
	id, service := ID(a%16), string('a'+rune(b%3))
	switch op % 6 {
	case 0, 1:
		p.offer(Request{ID: id, Service: service, Client: []string{"", "x", "y"}[op/6%3], Bytes: int64(a>>4)*int64(b>>6) - 1, Tokens: int64(b) << (a % 56), Prompt: int64(b >> 4)})
	case 2:
		if p.promise != nil {
			p.byPromise(service, a, b)
		} else {
			p.byArrival(service, int(a%8)-1, &p.last[b%3])
		}
	case 3:
		p.clock += time.Duration(a%32) - 4 // also backwards
		got, want := p.q.Tick(p.clock), p.plain.tick(p.clock)
		p.same("Tick", got, want)
		p.end(Expired, got...)
	case 4:
		got, want := p.q.Cancel(id), p.plain.cancel(id)
		if got != want {
			p.t.Fatalf("Cancel(%d) = %v, the plain queue says %v", id, got, want)
		}
		if got {
			p.end(Cancelled, id)
		}
	case 5:
		if a%4 > 0 { // seldom, or nothing would ever pile up
			p.clock += time.Duration(a%32) - 4 // and Tick comes late
			return
		}
		got, want := p.q.GiveUp(service), p.plain.giveUp(service)
		p.same("GiveUp", got, want)
		p.end(GivenUp, got...)
	}
}

func (p *player) byArrival(service string, room int, last *int) {
	got, want := p.q.Release(p.clock, service, room), p.plain.release(p.clock, service, room)
	p.same("Release", got, want)
	if len(got) > max(0, room) {
		p.t.Fatalf("INV-4: %d released into room for %d", len(got), room)
	}
	for _, id := range got {
		if n := p.open[id]; n < *last {
			p.t.Fatalf("INV-3: offer %d of %s released after offer %d", n, service, *last)
		} else {
			*last = n
		}
	}
	p.end(Released, got...)
}

func (p *player) offer(r Request) {
	got, want := p.q.Offer(p.clock, r), p.plain.offer(p.clock, r)
	if got != want {
		p.t.Fatalf("Offer(%+v) = %v, the plain queue says %v", r, got, want)
	}
	p.offers++
	p.outcome = append(p.outcome, 0)
	if got != Held {
		p.outcome[p.offers-1] = Refused
		return
	}
	if p.open == nil {
		p.open = map[ID]int{}
	}
	p.open[r.ID] = p.offers - 1
}

func (p *player) end(o Outcome, ids ...ID) {
	for _, id := range ids {
		n, open := p.open[id]
		if !open || p.outcome[n] != 0 {
			p.t.Fatalf("INV-1: request %d ends as %v and was not held", id, o)
		}
		p.outcome[n] = o
		delete(p.open, id)
	}
}

func (p *player) same(call string, got, want []ID) {
	if !slices.Equal(got, want) {
		p.t.Fatalf("%s = %v, the plain queue says %v", call, got, want)
	}
}

// check adds up what the queue should hold and what came of each offer.
func (p *player) check() {
	var all Load
	lines := 0
	for _, service := range []string{"a", "b", "c"} {
		got, want := p.q.Held(service), p.plain.held(service)
		if got != want || over(got, p.q.config.Service) {
			p.t.Fatalf("INV-2: Held(%s) = %+v, want %+v; its budget is %+v", service, got, want, p.q.config.Service)
		}
		if got.Requests > 0 {
			lines++
		}
		all = Load{all.Requests + got.Requests, all.Bytes + got.Bytes, all.Tokens + got.Tokens}
	}
	if got := p.q.Total(); got != all || over(got, p.q.config.Total) {
		p.t.Fatalf("INV-2: Total = %+v, the services hold %+v, the budget is %+v", got, all, p.q.config.Total)
	}
	p.checkClients()
	if len(p.open) != all.Requests || len(p.q.known) != all.Requests || len(p.q.lines) != lines {
		p.t.Fatalf("INV-6: %d held; the queue knows %d, in %d services", len(p.open), len(p.q.known), len(p.q.lines))
	}
	if got, want := p.q.Next(), p.plain.next(); got != want {
		p.t.Fatalf("Next = %v, want %v", got, want)
	}
	p.checkOutcomes()
}

func (p *player) checkClients() {
	clients := map[string]bool{}
	for _, w := range p.plain.wait {
		clients[w.Client] = true
	}
	delete(clients, "")
	if len(p.q.clients) != len(clients) {
		p.t.Fatalf("INV-6: %d clients hold requests, the queue knows %d", len(clients), len(p.q.clients))
	}
}

func over(l Load, b Budget) bool { return l.Bytes > b.Bytes || l.Requests > b.Requests }

func (p *player) checkOutcomes() {
	var counts [numOutcomes]uint64
	for _, o := range p.outcome {
		counts[o]++
	}
	counts[0] = 0 // held
	if counts != p.q.ended || p.q.Offered() != uint64(p.offers) {
		p.t.Fatalf("INV-1: %d offers are counted as %d, their outcomes %v as %v", p.offers, p.q.Offered(), counts, p.q.ended)
	}
}

// rest lets time end what is left: every offer then has its outcome.
func (p *player) rest() {
	p.end(Expired, p.q.Tick(p.plain.now+p.q.config.TTL)...)
	if i := slices.Index(p.outcome, 0); i >= 0 {
		p.t.Errorf("INV-1: offer %d has no outcome", i)
	}
	if got := p.q.Total(); got != (Load{}) || p.q.all != (chain{link: byAge}) {
		p.t.Errorf("INV-6: at rest the queue holds %+v", got)
	}
}
