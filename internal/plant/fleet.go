package plant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
)

// A FleetConfig is a service's replicas and the GPU nodes that they run on.
type FleetConfig struct {
	Engine             Config // of each replica
	GPUs               int    // of a replica, all on one node
	Nodes, GPUsPerNode int
	ColdStart          ColdStart
	Routing            Routing
	Hold               Hold
	// Grace is how long a replica that is told to end may finish what it has; with 0
	// it cuts everything at once, as vLLM does at SIGTERM by default.
	Grace time.Duration
	// LeastBusyFirst lets a scale-in take the replica with the least in flight, as
	// pod-deletion-cost does; otherwise the ReplicaSet's own order counts.
	LeastBusyFirst bool
	// MeanTimeToCrash of a ready replica, drawn from an exponential distribution; 0 is
	// never.
	MeanTimeToCrash time.Duration
	Seed            uint64
}

// A ColdStart has the phases from the wish for a replica to its readiness.
type ColdStart struct {
	Schedule Phase // from the wish until a node is chosen, if one has the GPUs
	Pull     Phase // of the image, once per node
	Load     Phase // of the weights
	Compile  Phase // and of whatever else comes before the server answers
	Ready    Phase // until probes and endpoints have noticed
	// Pulled says that all nodes have the image.
	Pulled bool
}

// Mean is the mean time of a start on a node that has the image.
func (c ColdStart) Mean() time.Duration {
	m := c.Schedule.Mean + c.Load.Mean + c.Compile.Mean + c.Ready.Mean
	if !c.Pulled {
		m += c.Pull.Mean
	}
	return m
}

// A Phase takes a time that is lognormal, of that mean and coefficient of variation.
type Phase struct {
	Mean time.Duration
	CV   float64
}

func (p Phase) draw(random *rand.Rand) time.Duration {
	if p.CV == 0 {
		return p.Mean
	}
	variance := math.Log1p(p.CV * p.CV)
	return time.Duration(float64(p.Mean) * math.Exp(math.Sqrt(variance)*random.NormFloat64()-variance/2))
}

// Hold says what becomes of requests that no replica takes: with Enabled they wait in
// front of all replicas, in order of arrival, otherwise they fail. A replica takes
// no more than Room at a time, if Room is above 0.
type Hold struct {
	Enabled bool
	Room    int
}

// Validate refuses what cannot run.
func (c FleetConfig) Validate() error {
	if err := c.Engine.Validate(); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"GPUs of a replica", c.GPUs}, {"nodes", c.Nodes}, {"GPUs of a node", c.GPUsPerNode}} {
		if f.value < 1 || f.value > 1<<20 {
			return fmt.Errorf("%s: %d, must be from 1 to %d", f.name, f.value, 1<<20)
		}
	}
	if c.GPUs > c.GPUsPerNode {
		return fmt.Errorf("a replica needs %d GPUs on one node, and a node has %d", c.GPUs, c.GPUsPerNode)
	}
	switch {
	case c.Routing <= routingUnset || c.Routing >= numRoutings:
		return errors.New("no routing is chosen")
	case c.Hold.Room < 0 || c.Grace < 0 || c.MeanTimeToCrash < 0:
		return fmt.Errorf("room %d, grace %v, mean time to crash %v: must not be negative", c.Hold.Room, c.Grace, c.MeanTimeToCrash)
	}
	return c.ColdStart.validate()
}

func (c ColdStart) validate() error {
	for _, p := range []Phase{c.Schedule, c.Pull, c.Load, c.Compile, c.Ready} {
		if p.Mean < 0 || p.Mean > 24*time.Hour || !(p.CV >= 0 && p.CV <= 10) {
			return fmt.Errorf("a phase of the cold start takes %v with a coefficient of variation of %v, must be from 0 to 24h and 0 to 10", p.Mean, p.CV)
		}
	}
	return nil
}

// Capacity is how many replicas the nodes have GPUs for.
func (c FleetConfig) Capacity() int { return c.Nodes * (c.GPUsPerNode / c.GPUs) }

// A Fleet is the replicas of one service. Its methods take the time on a clock that
// never runs backwards, and expect that Advance has been called for that time.
type Fleet struct {
	config   FleetConfig
	events   des.Queue[fleetEvent]
	nodes    []node
	replicas []*Replica // in order of creation
	created  int
	flights  map[ID]flight
	held     []ID // in order of arrival; those that are in no flight any more have given up
	heldNow  int
	routes   *rand.Rand
	turn     int
	sent     int // requests, to replicas, ever
	done     []Done
	returned []Done // by the last Advance
}

// flight is where a request is.
type flight struct {
	request Request
	arrival time.Duration
	replica *Replica // nil while it is held
}

// Done is what became of a request. The times are the fleet's; FirstToken and
// LastToken are 0 where no token came.
type Done struct {
	ID                             ID
	Arrival, FirstToken, LastToken time.Duration
	Generated                      int
	Aborted                        bool // not answered in full
}

// NewFleet has no replicas.
func NewFleet(c FleetConfig) (*Fleet, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	f := &Fleet{config: c, flights: map[ID]flight{}, routes: des.Stream(c.Seed, "routing"), nodes: make([]node, c.Nodes)}
	for i := range f.nodes {
		f.nodes[i] = node{free: c.GPUsPerNode, imageAt: Never}
		if c.ColdStart.Pulled {
			f.nodes[i].imageAt = 0
		}
	}
	return f, nil
}

// Offer brings a request in. The client waits patience for the answer's end; 0 is for
// ever.
func (f *Fleet) Offer(now time.Duration, r Request, patience time.Duration) {
	f.flights[r.ID] = flight{request: r, arrival: now}
	if patience > 0 {
		f.events.Push(now+patience, 1, fleetEvent{kind: impatience, id: r.ID})
	}
	to := f.route()
	switch {
	case to != nil && f.heldNow == 0:
		f.send(now, r.ID, to)
	case f.config.Hold.Enabled:
		f.held = append(f.held, r.ID)
		f.heldNow++
		f.release(now)
	default:
		f.fail(now, r.ID)
	}
}

// send gives a request to a replica, which refuses what does not fit its engine.
func (f *Fleet) send(now time.Duration, id ID, to *Replica) {
	fl := f.flights[id]
	to.engine.Advance(now)
	if err := to.engine.Submit(now, fl.request); err != nil {
		f.fail(now, id)
		return
	}
	f.sent++
	fl.replica = to
	f.flights[id] = fl
	to.inFlight++
	to.sentPrompt += fl.request.PromptTokens
	to.next = to.engine.Next()
}

func (f *Fleet) fail(now time.Duration, id ID) {
	f.done = append(f.done, Done{ID: id, Arrival: f.flights[id].arrival, LastToken: now, Aborted: true})
	delete(f.flights, id)
}

// release gives held requests to replicas that have room.
func (f *Fleet) release(now time.Duration) {
	for f.heldNow > 0 {
		to := f.route()
		if to == nil {
			return
		}
		id := f.held[0]
		f.held = f.held[1:]
		if fl, ok := f.flights[id]; ok && fl.replica == nil {
			f.heldNow--
			f.send(now, id, to)
		}
	}
	f.held = f.held[:0]
}

// Next is when something happens, or Never.
func (f *Fleet) Next() time.Duration {
	at, ok := f.events.Next()
	if !ok {
		at = Never
	}
	for _, r := range f.replicas {
		at = min(at, r.next)
	}
	return at
}

// Advance lets all happen that is due up to now, and returns the requests that ended
// since the last call, in order. The slice is good until the next call.
func (f *Fleet) Advance(now time.Duration) []Done {
	for at := f.Next(); at <= now; at = f.Next() {
		f.engines(at)
		for next, ok := f.events.Next(); ok && next <= at; next, ok = f.events.Next() {
			e, _ := f.events.Pop()
			f.happen(at, e.What)
		}
	}
	done := f.done
	f.done, f.returned = f.returned[:0], done
	return done
}

// engines lets those run that are due.
func (f *Fleet) engines(now time.Duration) {
	ended := false
	for _, r := range f.replicas {
		if r.next > now {
			continue
		}
		for _, done := range r.engine.Advance(now) {
			f.finish(r, done)
			ended = true
		}
		r.next = r.engine.Next()
	}
	if ended {
		f.leave()
		f.release(now)
	}
}

func (f *Fleet) finish(r *Replica, e Finished) {
	r.inFlight--
	f.done = append(f.done, Done{
		ID: e.ID, Arrival: f.flights[e.ID].arrival, FirstToken: e.FirstToken, LastToken: e.LastToken,
		Generated: e.Generated, Aborted: e.Outcome == Aborted,
	})
	if e.Outcome == Aborted && e.FirstToken == 0 {
		r.sentPrompt -= e.PromptTokens
	}
	delete(f.flights, e.ID)
}

// Sync lets every engine come up to now, so that its load and its meter can be read.
func (f *Fleet) Sync(now time.Duration) {
	for _, r := range f.replicas {
		if r.engine != nil {
			r.engine.Advance(now)
		}
	}
}

// Held is how many requests wait in front of all replicas, Sent how many have ever
// been given to one.
func (f *Fleet) Held() int { return f.heldNow }

// Sent is how many requests have been given to a replica.
func (f *Fleet) Sent() int { return f.sent }

// InFlight is how many requests have not ended.
func (f *Fleet) InFlight() int { return len(f.flights) }
