package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
)

// ticket is a request's place in the hold queue.
type ticket struct {
	id   admit.ID
	x    *exchange
	done chan grant // takes the one answer
}

// grant is a pod, or why there is none.
type grant struct {
	pod     *pod
	refused *refusal
}

func (g *Gateway) now() time.Duration { return time.Since(g.began) }

// acquire finds a pod for a request, and waits for one if it must. A request that
// comes while others are held waits behind them.
func (g *Gateway) acquire(x *exchange) *refusal {
	s := x.service
	if !g.queues(x) {
		if p := s.pick(x, g.now()); p != nil {
			x.take(p)
			return nil
		}
	}
	refused := x.wakesNothing()
	switch told := s.told.Load(); {
	case refused == nil && x.limited && len(told.Pods) > 0: // a queue is of pods that are alike
		return rollingOut(told)
	case refused == nil:
		return g.hold(x)
	}
	if p := s.pick(x, g.now()); p != nil {
		x.take(p)
		return nil
	}
	return refused
}

// hold waits for the outcome that the queue has for the request.
func (g *Gateway) hold(x *exchange) *refusal {
	t := &ticket{x: x, done: make(chan grant, 1)}
	began := time.Now()
	if refused := g.offer(t); refused != nil {
		return refused
	}
	var given grant
	select {
	case given = <-t.done: // there was room
	default:
		var ok bool
		if given, ok = x.wait(t.done); !ok {
			given = g.cancel(t)
		}
		took := time.Since(began)
		x.waited += took
		x.service.holdTime.Observe(took.Seconds())
	}
	if given.refused == nil {
		x.adopt(given.pod)
	}
	return given.refused
}

func (g *Gateway) offer(t *ticket) *refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := t.x.service
	switch told := s.told.Load(); {
	case g.closed:
		return closing()
	case s.gone:
		return deleted(told)
	case len(told.Pods) == 0 && told.Stuck != "":
		return stuck(told)
	case time.Since(t.x.began) >= g.config.Hold.TTL: // pods took it and failed until now
		return g.expired(s)
	}
	if refused := g.refuseWakeLocked(t.x); refused != nil {
		return refused
	}
	g.lastID++
	t.id = g.lastID
	answer := g.queue.Offer(g.now(), admit.Request{
		ID: t.id, Service: s.key, Client: t.x.tenant.Name, Bytes: int64(cap(t.x.body)) + headerBytes(t.x.request) + admit.Overhead,
		Tokens: t.x.input + t.x.output, Prompt: t.x.input,
	})
	if answer != admit.Held {
		return g.full(t.x, answer)
	}
	g.wakeLocked(t.x)
	g.tickets[t.id] = t
	n := s.held.Add(1)
	if n == 1 {
		s.queue++
	}
	g.settleLocked(s)
	if g.tickets[t.id] != nil && g.hurries(s, n) {
		g.hurry()
	}
	return nil
}

// hurry has a report told now.
func (g *Gateway) hurry() {
	select {
	case g.urgent <- struct{}{}:
	default: // it is due already
	}
}

// cancel takes a request out that its client or its time has left. It may have got a
// pod in the same moment.
func (g *Gateway) cancel(t *ticket) grant {
	g.mu.Lock()
	queued := g.queue.Cancel(t.id)
	if queued {
		g.forgetLocked(t)
	}
	g.mu.Unlock()
	if !queued {
		return <-t.done
	}
	if errors.Is(t.x.request.Context().Err(), context.DeadlineExceeded) {
		return grant{refused: tooLong(g.config.Limits.RequestTime)}
	}
	return grant{refused: gone()}
}

// settle lets as many requests go as there is room for, if any are held.
func (g *Gateway) settle(s *service) {
	if s.held.Load() == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settleLocked(s)
}

func (g *Gateway) settleLocked(s *service) {
	if s.held.Load() == 0 {
		return
	}
	if told := s.told.Load(); len(told.Pods) == 0 && told.Stuck != "" {
		g.giveUpLocked(s, stuck(told))
		return
	}
	if o := g.orderOf(s); o != nil {
		g.releaseByPromiseLocked(s, o)
		return
	}
	room, pods := s.room(g.now())
	for _, id := range g.queue.Release(g.now(), s.key, room) {
		t := g.tickets[id]
		g.grantLocked(t, s.roomiest(pods, t.x.tried))
	}
}

// grantLocked counts the request at its pod, so that the next one sees it.
func (g *Gateway) grantLocked(t *ticket, p *pod) {
	p.count(t.x)
	g.answerLocked(t, grant{pod: p})
}

// Hear takes in what a controller, or the scaler, says to a report.
func (g *Gateway) Hear(a demand.Answer) {
	g.GiveUp(a.Stuck)
	g.learnRooms(a.Rooms)
}

// GiveUp answers what is held for services of which a controller knows that they cannot
// get a pod. What comes later is held again, and asked about again.
func (g *Gateway) GiveUp(services []demand.Stuck) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, told := range services {
		s := g.directory.Load().byKey[told.Namespace+"/"+told.Name]
		if s == nil || len(s.told.Load().Pods) > 0 {
			continue
		}
		g.giveUpLocked(s, stuck(&Service{Namespace: told.Namespace, Name: told.Name, Stuck: told.Why}))
	}
}

func (g *Gateway) giveUpLocked(s *service, refused *refusal) {
	for _, id := range g.queue.GiveUp(s.key) {
		g.answerLocked(g.tickets[id], grant{refused: refused})
	}
}

// tick ends what has waited too long. It returns when the next will have.
func (g *Gateway) tick() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range g.queue.Tick(g.now()) {
		t := g.tickets[id]
		g.answerLocked(t, grant{refused: g.expired(t.x.service)})
	}
	if next := g.queue.Next(); next != admit.Never {
		return next - g.now()
	}
	return admit.Never
}

// abandon answers all that is held: the gateway itself has to go.
func (g *Gateway) abandon() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, t := range g.tickets {
		g.queue.Cancel(t.id)
		g.answerLocked(t, grant{refused: closing()})
	}
}

func (g *Gateway) answerLocked(t *ticket, a grant) {
	g.forgetLocked(t)
	t.done <- a
}

func (g *Gateway) forgetLocked(t *ticket) {
	delete(g.tickets, t.id)
	t.x.service.held.Add(-1)
}

// shun keeps requests from a pod for a while, and then looks whether some are held.
func (g *Gateway) shun(s *service, p *pod) {
	now := g.now()
	if p.usable(now) { // the first of many that fail at the same time
		time.AfterFunc(p.shun(now), func() { g.settle(s) })
	}
}
