package plant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/drain"
)

// A FleetConfig is a service's replicas and the GPU nodes that they run on.
type FleetConfig struct {
	Engine             Config // of each replica
	GPUs               int    // of a replica, all on one node
	Nodes, GPUsPerNode int
	ColdStart          ColdStart
	Routing            Routing
	Hold               Hold
	// Drain is how a replica that is told to end finishes what it has; with the zero
	// value it cuts everything at once, as vLLM does at SIGTERM by default.
	Drain drain.Config
	// DeletionCost lets a scale-in take the replica with the least to do, as Flyball's
	// controller has it by pod-deletion-cost; otherwise the ReplicaSet's own order counts.
	DeletionCost bool
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
	case c.MeanTimeToCrash < 0:
		return fmt.Errorf("mean time to crash is %v, must not be negative", c.MeanTimeToCrash)
	}
	if err := c.Drain.Validate(); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return errors.Join(c.Hold.validate(), c.ColdStart.validate())
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
	queue    *admit.Queue // of those that no replica has; nil if none are held
	pace     *pace        // nil: they are held by arrival
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
	if c.Hold.enabled() {
		var err error
		if f.queue, err = admit.New(c.Hold.Queue); err != nil {
			return nil, err
		}
	}
	if c.Hold.ByPromise {
		f.pace = newPace(c)
		f.events.Push(learningPeriod, 0, fleetEvent{kind: learning})
	}
	if c.DeletionCost {
		f.events.Push(drain.CostPeriod, 0, fleetEvent{kind: costing})
	}
	return f, nil
}

// send gives a request to a replica, which refuses what does not fit its engine.
func (f *Fleet) send(now time.Duration, id ID, to *Replica) {
	fl := f.flights[id]
	fl.request.Held = now - fl.arrival
	to.engine.Advance(now)
	if err := to.engine.Submit(now, fl.request); err != nil {
		f.fail(now, id, Unfit)
		return
	}
	f.sent++
	to.sent++
	fl.replica = to
	f.flights[id] = fl
	to.inFlight++
	to.sentPrompt += fl.request.PromptTokens
	to.next = to.engine.Next()
}

func (f *Fleet) fail(now time.Duration, id ID, e Ending) {
	f.done = append(f.done, Done{ID: id, Arrival: f.flights[id].arrival, LastToken: now, PromptTokens: f.flights[id].request.PromptTokens, Ending: e})
	delete(f.flights, id)
}

// Next is when something happens, or Never.
func (f *Fleet) Next() time.Duration {
	at, ok := f.events.Next()
	if !ok {
		at = Never
	}
	if f.queue != nil {
		at = min(at, f.queue.Next())
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
		f.expire(at)
	}
	return f.ended()
}

// ended hands out the requests that have ended, in order.
func (f *Fleet) ended() []Done {
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
			f.finish(r, done, Answered)
			ended = true
		}
		r.next = r.engine.Next()
	}
	if ended {
		f.leave(now)
	}
	f.release(now) // also after a first token
}

func (f *Fleet) finish(r *Replica, e Finished, how Ending) {
	r.inFlight--
	f.done = append(f.done, Done{
		ID: e.ID, Arrival: f.flights[e.ID].arrival, FirstToken: e.FirstToken, LastToken: e.LastToken,
		PromptTokens: e.PromptTokens, CachedTokens: e.CachedTokens, Generated: e.Generated, Ending: how,
	})
	if f.pace != nil && how == Answered {
		f.pace.answered(f.done[len(f.done)-1])
	}
	if e.Outcome == Aborted && e.FirstToken == 0 {
		r.sent--
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

// Sent is how many requests have been given to a replica.
func (f *Fleet) Sent() int { return f.sent }

// InFlight is how many requests have not ended.
func (f *Fleet) InFlight() int { return len(f.flights) }
