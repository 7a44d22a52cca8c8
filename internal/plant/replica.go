package plant

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
)

// A ReplicaState is how far a replica's life has come.
type ReplicaState int

// The states, in their order; a crash goes back from Ready to Starting.
const (
	Pending  ReplicaState = iota // no node yet
	Starting                     // image, weights, compile
	Ready                        // takes requests
	Draining                     // told to end, finishing what it has
	gone
)

func (s ReplicaState) String() string {
	return [...]string{"pending", "starting", "ready", "draining", "gone"}[min(max(s, 0), gone)]
}

// A Replica is one pod with its engine.
type Replica struct {
	number     int // in order of creation
	state      ReplicaState
	node       int
	engine     *Engine // from Starting on
	next       time.Duration
	inFlight   int
	sent       int // requests that it was given, and that were not aborted before their first token
	sentPrompt int // tokens of the prompts that it was given, and that were not aborted before their first token

	createdAt, placedAt, changedAt time.Duration
}

// Number tells it from the fleet's others, those that are gone included.
func (r *Replica) Number() int { return r.number }

// State is where it is in its life.
func (r *Replica) State() ReplicaState { return r.state }

// Engine is nil while the replica is Pending or Starting, and once it is gone.
func (r *Replica) Engine() *Engine {
	if r.state < Ready || r.state == gone {
		return nil
	}
	return r.engine
}

// InFlight is how many requests it has.
func (r *Replica) InFlight() int { return r.inFlight }

// Prefilling is how many tokens the prompts have that were given to it and have no
// first token yet.
func (r *Replica) Prefilling() int {
	if r.engine == nil {
		return 0
	}
	return max(0, r.sentPrompt-r.engine.meter.PromptTokens)
}

// silent is how many requests were given to it and have had no token yet.
func (r *Replica) silent() int { return r.sent - int(r.engine.meter.TTFT.Count()) }

// PlacedAt is when a node took it, ChangedAt when it last became ready or ceased to
// be.
func (r *Replica) PlacedAt() time.Duration { return r.placedAt }

// ChangedAt is when it last became ready or ceased to be.
func (r *Replica) ChangedAt() time.Duration { return r.changedAt }

type node struct {
	free    int           // GPUs
	imageAt time.Duration // when the image is there; Never if nobody has asked for it
}

type eventKind int

const (
	placing eventKind = iota
	readiness
	deadline // of the grace period
	crash
	impatience // of a client
)

type fleetEvent struct {
	kind    eventKind
	replica *Replica
	// since tells that the replica has not started anew in between.
	since time.Duration
	id    ID
}

// Replicas are all that there are, in order of creation, to be read.
func (f *Fleet) Replicas() []*Replica { return f.replicas }

// Count is how many replicas are in a state.
func (f *Fleet) Count(s ReplicaState) int {
	n := 0
	for _, r := range f.replicas {
		if r.state == s {
			n++
		}
	}
	return n
}

// SetReplicas makes or ends replicas until n are there that are not draining.
func (f *Fleet) SetReplicas(now time.Duration, n int) {
	have := len(f.replicas) - f.Count(Draining)
	for ; have < n; have++ {
		f.created++
		r := &Replica{number: f.created, next: Never, createdAt: now}
		f.replicas = append(f.replicas, r)
		f.events.Push(now+f.draw(r, "schedule", f.config.ColdStart.Schedule), 0, fleetEvent{kind: placing, replica: r})
	}
	for ; have > max(n, 0); have-- {
		f.end(now, f.victim(now))
	}
	f.leave()
}

// Prime makes n replicas that are ready at once, as at the start of a run.
func (f *Fleet) Prime(now time.Duration, n int) error {
	for range n {
		f.created++
		r := &Replica{number: f.created, next: Never, createdAt: now}
		if !f.take(r) {
			return fmt.Errorf("%d replicas are to be ready, and the nodes have GPUs for %d", n, f.config.Capacity())
		}
		f.replicas = append(f.replicas, r)
		r.placedAt = now
		f.nodes[r.node].imageAt = min(f.nodes[r.node].imageAt, now)
		f.serve(now, r)
	}
	return nil
}

func (f *Fleet) draw(r *Replica, phase string, p Phase) time.Duration {
	return p.draw(des.Stream(f.config.Seed, fmt.Sprintf("%s of replica %d", phase, r.number)))
}

// victim is the one that a ReplicaSet ends first (pkg/controller, ActivePodsWithRanks):
// without a node before with, not ready before ready, then by deletion cost, then from
// the node with most of them, then the one that has been ready or there for less time.
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
	return slices.MinFunc(active, func(a, b *Replica) int {
		busy, ready := 0, 0
		if f.config.LeastBusyFirst {
			busy = cmp.Compare(a.inFlight, b.inFlight)
		}
		if a.state == Ready && b.state == Ready {
			ready = f.younger(a, b, now-a.changedAt, now-b.changedAt)
		}
		return cmp.Or(
			cmp.Compare(a.state, b.state), busy, cmp.Compare(onNode[b.node], onNode[a.node]),
			ready, f.younger(a, b, now-a.createdAt, now-b.createdAt), cmp.Compare(b.number, a.number))
	})
}

// younger orders two replicas by age. Ages with the same power of two are alike to a
// ReplicaSet (LogarithmicScaleDown): among them the UID decides, which is random.
func (f *Fleet) younger(a, b *Replica, ageA, ageB time.Duration) int {
	if ageA == ageB {
		return 0
	}
	return cmp.Or(
		cmp.Compare(bits.Len64(uint64(max(0, ageA))), bits.Len64(uint64(max(0, ageB)))),
		cmp.Compare(f.uid(a), f.uid(b)))
}

func (f *Fleet) uid(r *Replica) uint64 {
	return des.Stream(f.config.Seed, fmt.Sprintf("UID of replica %d", r.number)).Uint64()
}

// end tells a replica to go. One that does not serve yet goes at once.
func (f *Fleet) end(now time.Duration, r *Replica) {
	if r.state < Ready {
		f.remove(r)
		return
	}
	r.state, r.changedAt = Draining, now
	if f.config.Grace == 0 {
		f.cut(now, r)
		return
	}
	f.events.Push(now+f.config.Grace, 0, fleetEvent{kind: deadline, replica: r})
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

// leave removes those that have drained, and gives their GPUs to those that wait.
func (f *Fleet) leave() {
	drained := func(r *Replica) bool { return r.state == Draining && r.inFlight == 0 }
	for i := slices.IndexFunc(f.replicas, drained); i >= 0; i = slices.IndexFunc(f.replicas, drained) {
		f.remove(f.replicas[i])
	}
}

func (f *Fleet) remove(r *Replica) {
	if r.state > Pending {
		f.nodes[r.node].free += f.config.GPUs
	}
	r.state, r.next = gone, Never
	f.replicas = slices.DeleteFunc(f.replicas, func(other *Replica) bool { return other == r })
	for _, other := range f.replicas {
		if other.state == Pending && other.placedAt == unplaced {
			f.events.Push(f.events.Now(), 0, fleetEvent{kind: placing, replica: other})
		}
	}
}

// unplaced marks a replica that the scheduler has looked at in vain.
const unplaced = -1

// take finds a node: the one with most GPUs free, as kube-scheduler spreads.
func (f *Fleet) take(r *Replica) bool {
	best := -1
	for i, n := range f.nodes {
		if n.free >= f.config.GPUs && (best < 0 || n.free > f.nodes[best].free) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	f.nodes[best].free -= f.config.GPUs
	r.node, r.state = best, Starting
	return true
}

func (f *Fleet) happen(now time.Duration, e fleetEvent) {
	r := e.replica
	switch e.kind {
	case placing:
		if r.state == Pending {
			f.place(now, r)
		}
	case readiness:
		if r.state == Starting && r.changedAt == e.since {
			f.serve(now, r)
			f.release(now)
		}
	case deadline:
		if r.state == Draining {
			f.cut(now, r)
			f.leave()
		}
	case crash:
		if r.state == Ready && r.changedAt == e.since {
			f.cut(now, r)
			r.state, r.changedAt, r.engine, r.next = Starting, now, nil, Never
			f.start(now, 0, r)
			f.release(now)
		}
	case impatience:
		f.lose(now, e.id)
	}
}

func (f *Fleet) place(now time.Duration, r *Replica) {
	if !f.take(r) {
		r.placedAt = unplaced
		return
	}
	r.placedAt, r.changedAt = now, now
	n := &f.nodes[r.node]
	if n.imageAt == Never {
		n.imageAt = now + f.draw(r, "pull", f.config.ColdStart.Pull)
	}
	f.start(now, max(0, n.imageAt-now), r)
}

// start goes through the phases after a pause: in the container's case from the
// weights on.
func (f *Fleet) start(now, pause time.Duration, r *Replica) {
	c := f.config.ColdStart
	at := now + pause + f.draw(r, "load", c.Load) + f.draw(r, "compile", c.Compile) + f.draw(r, "ready", c.Ready)
	f.events.Push(at, 0, fleetEvent{kind: readiness, replica: r, since: now})
}

func (f *Fleet) serve(now time.Duration, r *Replica) {
	engine, err := NewEngine(f.config.Engine)
	if err != nil {
		return // the configuration was checked
	}
	r.engine, r.state, r.changedAt, r.sent, r.sentPrompt = engine, Ready, now, 0, 0
	if mean := f.config.MeanTimeToCrash; mean > 0 {
		after := time.Duration(float64(mean) * des.Stream(f.config.Seed, fmt.Sprintf("crash of replica %d at %d", r.number, now)).ExpFloat64())
		f.events.Push(now+after, 0, fleetEvent{kind: crash, replica: r, since: now})
	}
}
