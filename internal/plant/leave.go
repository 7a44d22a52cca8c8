package plant

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/drain"
)

// victim is the one that a ReplicaSet ends first.
func (f *Fleet) victim(now time.Duration) *Replica {
	onNode := map[int]int{}
	var active []*Replica
	for _, r := range f.replicas {
		if r.state < Draining {
			active = append(active, r)
			if r.state > Pending {
				onNode[r.node]++
			}
		}
	}
	as := func(r *Replica) drain.Candidate {
		return drain.Candidate{
			Placed: r.state > Pending, Ready: r.state == Ready, Cost: r.cost, Neighbours: onNode[r.node],
			ReadyFor: now - r.changedAt, Age: now - r.createdAt, Restarts: r.restarts, UID: r.uid,
		}
	}
	return slices.MinFunc(active, func(a, b *Replica) int {
		return cmp.Or(drain.Sooner(as(a), as(b)), cmp.Compare(b.number, a.number))
	})
}

// writeCosts is the controller's look at what would be lost with each replica. A request is
// owed its whole answer until it ends, and its prompt until its first token, as gateways
// count; what they tell of the time that is left is not simulated.
func (f *Fleet) writeCosts(now time.Duration) {
	var pods []drain.Pod
	have := map[string]int32{}
	name := func(r *Replica) string { return fmt.Sprintf("%08d", r.number) }
	for _, r := range f.replicas {
		if r.state == Ready {
			pods = append(pods, drain.Pod{
				Name: name(r), Measured: true, InFlight: r.inFlight, WorkTokens: r.engine.owed(),
				PrefixTokens: int64(r.engine.meter.CacheHits),
			})
			have[name(r)] = r.cost
		}
	}
	want := drain.Costs(pods, have)
	for _, r := range f.replicas {
		if cost, ok := want[name(r)]; ok {
			r.cost = cost
		}
	}
	f.events.Push(now+drain.CostPeriod, 0, fleetEvent{kind: costing})
}

// owed is how many tokens are to be read and written yet.
func (e *Engine) owed() int64 {
	tokens := 0
	for _, s := range e.known {
		tokens += s.MaxTokens
		if s.FirstToken == 0 {
			tokens += s.PromptTokens
		}
	}
	return int64(tokens)
}

// end tells a replica to go. One that does not serve yet goes at once.
func (f *Fleet) end(now time.Duration, r *Replica) {
	if r.state < Ready {
		f.remove(now, r)
		return
	}
	way, err := drain.Begin(f.config.Drain, now)
	if err != nil {
		return // the configuration was checked
	}
	r.state, r.changedAt, r.way = Draining, now, way
	f.look(now, r)
}

// look lets a replica that leaves go if it may.
func (f *Fleet) look(now time.Duration, r *Replica) {
	if r.state != Draining {
		return
	}
	if r.way.Step(now, drain.Reading{Measured: true, InFlight: r.inFlight}).MayGo() {
		f.cut(now, r)
		f.remove(now, r)
		return
	}
	if next := r.way.Next(); next != r.lookAt {
		r.lookAt = next
		f.events.Push(next, 0, fleetEvent{kind: looking, replica: r})
	}
}

// leave looks at those that leave and have nothing in flight.
func (f *Fleet) leave(now time.Duration) {
	idle := func(r *Replica) bool { return r.state == Draining && r.inFlight == 0 }
	if !slices.ContainsFunc(f.replicas, idle) {
		return
	}
	for _, r := range slices.Clone(f.replicas) {
		if idle(r) {
			f.look(now, r)
		}
	}
}

// cut aborts what a replica has.
func (f *Fleet) cut(now time.Duration, r *Replica) {
	for _, id := range f.requests(func(fl flight) bool { return fl.replica == r }) {
		f.abort(now, r, id, Cut)
	}
}

// requests are those that fit, by ID.
func (f *Fleet) requests(fits func(flight) bool) []ID {
	var ids []ID
	for id, fl := range f.flights {
		if fits(fl) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// abort takes a request from a replica.
func (f *Fleet) abort(now time.Duration, r *Replica, id ID, how Ending) {
	r.engine.Advance(now)
	if done, ok := r.engine.Abort(now, id); ok {
		f.finish(r, done, how)
	}
	r.next = r.engine.Next()
}

// remove gives a replica's GPUs to those that wait.
func (f *Fleet) remove(now time.Duration, r *Replica) {
	if r.state > Pending {
		f.nodes[r.node].free += f.config.GPUs
	}
	r.state, r.next = gone, Never
	f.replicas = slices.DeleteFunc(f.replicas, func(other *Replica) bool { return other == r })
	for _, other := range f.replicas {
		if other.state == Pending && other.placedAt == unplaced {
			f.events.Push(now, 0, fleetEvent{kind: placing, replica: other})
		}
	}
}
