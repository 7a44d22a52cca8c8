package gateway

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
)

// orderLife is how long what was told of a pod's room is gone by: as long as a decision of the
// scaler's counts. After it, requests go by arrival.
const orderLife = 5 * time.Minute

// order is what requests of a service go by: what one pod may have while the rest waits in front
// of all.
type order struct {
	demand.Room
	until time.Duration // on the gateway's clock
}

// orderOf is nil where requests go by arrival: they are to, or a pod's room is not known.
func (g *Gateway) orderOf(s *service) *order {
	if o := s.order.Load(); o != nil && g.now() < o.until {
		return o
	}
	return nil
}

// promise is what requests are released by. None waits for longer than half of what it may be
// held while a younger one goes, so that it still gets its answer (as in plant/pace.go).
func (o *order) promise(hold time.Duration) admit.Promise {
	return admit.Promise{TTFT: o.TTFT, Bound: hold / 2, PerToken: o.PerToken, Rest: o.Rest}
}

// learnRooms takes in what the scaler knows. It tells no others than those that were reported.
func (g *Gateway) learnRooms(rooms []demand.Room) {
	for _, told := range rooms {
		s := g.directory.Load().byKey[told.Service().String()]
		if g.config.ByPromise && s != nil && told.Requests > 0 && told.TTFT > 0 {
			s.order.Store(&order{told, g.now() + orderLife})
			g.settle(s)
		}
	}
}

// settleAll looks at the services whose requests may wait for what nothing tells of: that a
// pod's room is not known any more.
func (g *Gateway) settleAll() {
	if !g.config.ByPromise {
		return
	}
	for _, s := range g.directory.Load().list {
		g.settle(s)
	}
}

// queues is whether a request takes its turn: behind those that are held, or by promise. One
// that was released and whose pod has failed has had it.
func (g *Gateway) queues(x *exchange) bool {
	switch {
	case x.limited: // a queue is of pods that are alike
		return false
	case g.orderOf(x.service) != nil:
		return len(x.tried) == 0
	}
	return x.service.held.Load() > 0
}

// releaseByPromiseLocked lets those go that there is room for.
func (g *Gateway) releaseByPromiseLocked(s *service, o *order) {
	now := g.now()
	var pods []*pod
	var places []admit.Place
	for _, p := range *s.ready.Load() {
		if p.usable(now) {
			pods = append(pods, p)
			places = append(places, admit.Place{Free: o.Requests - int(p.inFlight.Load()), Reading: p.unread.Load()})
		}
	}
	for _, placed := range g.queue.ReleaseByPromise(now, s.key, o.promise(g.config.Hold.TTL), places) {
		t, p := g.tickets[placed.ID], pods[placed.Place]
		if slices.Contains(t.x.tried, p) {
			p = s.roomiest(pods, t.x.tried)
		}
		g.grantLocked(t, p)
	}
}

// hurries is whether it is told at once that so many are held now: the first, and whenever twice as
// many wait, for how many replicas are asked for depends on it. By promise some wait for a moment
// all the time: where there are pods the next report will do.
func (g *Gateway) hurries(s *service, n int64) bool {
	return n&(n-1) == 0 && (g.orderOf(s) == nil || len(s.told.Load().Pods) == 0)
}

// reading is a prompt that a pod was given, and that it has not read yet as far as the gateway
// can tell: until the first byte of a stream. An answer that comes whole tells nothing before
// its end, so that its prompt counts for as long as it should take.
type reading struct {
	pod    *pod
	tokens int64
	timer  *time.Timer // nil for a stream
	ended  atomic.Bool
}

// reads has the pod read the prompt of a request that is counted at it.
func (x *exchange) reads(p *pod) {
	if !x.g.config.ByPromise {
		return
	}
	g, s := x.g, x.service
	x.reading = &reading{pod: p, tokens: x.input}
	if x.stream {
		return
	}
	took := time.Duration(0)
	if o := g.orderOf(s); o != nil {
		took = o.promise(g.config.Hold.TTL).First(p.unread.Load())
	}
	r := x.reading
	r.timer = time.AfterFunc(took, func() {
		r.end()
		g.settle(s)
	})
}

// end is where the prompt has been read, once.
func (r *reading) end() {
	if r.ended.CompareAndSwap(false, true) {
		r.pod.unread.Add(-r.tokens)
	}
}

// stop is end for whoever has seen it, or gives up. There may be none.
func (r *reading) stop() {
	if r == nil {
		return
	}
	r.end()
	if r.timer != nil {
		r.timer.Stop()
	}
}
