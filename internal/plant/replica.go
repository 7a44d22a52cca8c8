package plant

import (
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/drain"
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
	name       string
	state      ReplicaState
	node       int
	engine     *Engine // from Starting on
	next       time.Duration
	inFlight   int
	sent       int // requests that it was given, and that were not aborted before their first token
	sentPrompt int // tokens of the prompts that it was given, and that were not aborted before their first token
	used       use // as the queue in front last looked

	createdAt, placedAt, runsAt, changedAt time.Duration

	uid      uint64
	restarts int
	cost     int32        // pod-deletion-cost, as it was last written
	way      *drain.Drain // out; from Draining on
	lookAt   time.Duration
}

// Number tells it from the fleet's others, those that are gone included.
func (r *Replica) Number() int { return r.number }

// Name tells it from the others as a pod's name does.
func (r *Replica) Name() string { return r.name }

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

// Answers is whether a request that was given to a ready replica has had its first token.
func (f *Fleet) Answers() bool {
	for _, r := range f.replicas {
		if r.state == Ready && r.engine.meter.TTFT.Count() > 0 {
			return true
		}
	}
	return false
}

// PlacedAt is when a node took it, ChangedAt when it last became ready or ceased to
// be.
func (r *Replica) PlacedAt() time.Duration { return r.placedAt }

// CreatedAt is when it was wished for.
func (r *Replica) CreatedAt() time.Duration { return r.createdAt }

// RunsAt is when its container runs, or will: the node has the image by then.
func (r *Replica) RunsAt() time.Duration { return r.runsAt }

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
	looking // whether a replica that leaves may go
	costing // of what would be lost with each
	learning
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
		r := f.create(now)
		f.replicas = append(f.replicas, r)
		f.events.Push(now+f.draw(r, "schedule", f.config.ColdStart.Schedule), 0, fleetEvent{kind: placing, replica: r})
	}
	for ; have > max(n, 0); have-- {
		f.end(now, f.victim(now))
	}
}

func (f *Fleet) create(now time.Duration) *Replica {
	f.created++
	uid := des.Stream(f.config.Seed, fmt.Sprintf("UID of replica %d", f.created)).Uint64()
	return &Replica{number: f.created, name: fmt.Sprintf("pod-%d", f.created), next: Never, createdAt: now, uid: uid}
}

// Prime makes n replicas that are ready at once, as at the start of a run.
func (f *Fleet) Prime(now time.Duration, n int) error {
	for range n {
		r := f.create(now)
		if !f.take(r) {
			return fmt.Errorf("%d replicas are to be ready, and the nodes have GPUs for %d", n, f.config.Capacity())
		}
		f.replicas = append(f.replicas, r)
		r.placedAt, r.runsAt = now, now
		f.nodes[r.node].imageAt = min(f.nodes[r.node].imageAt, now)
		f.serve(now, r)
	}
	return nil
}

func (f *Fleet) draw(r *Replica, phase string, p Phase) time.Duration {
	return p.draw(des.Stream(f.config.Seed, fmt.Sprintf("%s of replica %d", phase, r.number)))
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
		f.place(now, r)
	case readiness:
		if r.state == Starting && r.changedAt == e.since {
			f.serve(now, r)
			f.release(now)
		}
	case looking:
		f.look(now, r)
	case costing:
		f.writeCosts(now)
	case learning:
		f.pace.learn(now, f.replicas)
		f.release(now)
		f.events.Push(now+learningPeriod, 0, fleetEvent{kind: learning})
	case crash:
		if r.state == Ready && r.changedAt == e.since {
			f.crash(now, r)
		}
	case impatience:
		f.lose(now, e.id)
	}
}

// crash loses what a replica has; its container starts again where it is.
func (f *Fleet) crash(now time.Duration, r *Replica) {
	f.cut(now, r)
	r.state, r.changedAt, r.engine, r.next = Starting, now, nil, Never
	r.restarts++
	f.start(now, 0, r)
	f.release(now)
}

func (f *Fleet) place(now time.Duration, r *Replica) {
	switch {
	case r.state != Pending:
		return
	case !f.take(r):
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
	r.runsAt = now + pause
	at := now + pause + f.draw(r, "load", c.Load) + f.draw(r, "compile", c.Compile) + f.draw(r, "ready", c.Ready)
	f.events.Push(at, 0, fleetEvent{kind: readiness, replica: r, since: now})
}

func (f *Fleet) serve(now time.Duration, r *Replica) {
	engine, err := NewEngine(f.config.Engine)
	if err != nil {
		return // the configuration was checked
	}
	r.engine, r.state, r.changedAt, r.sent, r.sentPrompt, r.used = engine, Ready, now, 0, 0, use{}
	if mean := f.config.MeanTimeToCrash; mean > 0 {
		after := time.Duration(float64(mean) * des.Stream(f.config.Seed, fmt.Sprintf("crash of replica %d at %d", r.number, now)).ExpFloat64())
		f.events.Push(now+after, 0, fleetEvent{kind: crash, replica: r, since: now})
	}
}
