package plant

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/capacity"
)

// Hold says what becomes of requests while no replica is ready: they wait in front of
// all replicas as in Flyball's gateway (internal/gateway/hold.go), or fail at once if
// Queue is the zero value.
type Hold struct {
	Queue admit.Config
	// Target is how many requests one replica is meant to have, and so how many of those
	// that were held it may have without a first token; 0 if it is not known.
	Target int
	// ByPromise lets requests wait in front whenever no replica has room for them, and go
	// by an admit.Promise of TTFT; what has room keeps TPOT too. Prior is what is known of
	// the engine before anything was learned; the zero value is nothing.
	ByPromise  bool
	TTFT, TPOT time.Duration
	Prior      capacity.Prior
}

func (h Hold) enabled() bool { return h.Queue != admit.Config{} }

func (h Hold) validate() error {
	switch {
	case h.Target < 0:
		return fmt.Errorf("hold: a target of %d requests, must not be negative", h.Target)
	case h.ByPromise && !h.enabled():
		return errors.New("hold: an order needs a queue, and nothing is held")
	case h.ByPromise && (h.TTFT <= 0 || h.TPOT <= 0):
		return fmt.Errorf("hold: by a promise of TTFT %v and TPOT %v, must be positive", h.TTFT, h.TPOT)
	case !h.enabled():
		return nil
	}
	if err := h.Queue.Validate(); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// Offer brings a request in. The client waits patience for the answer's end; 0 is for
// ever. A request that comes while others are held waits with them.
func (f *Fleet) Offer(now time.Duration, r Request, patience time.Duration) {
	f.flights[r.ID] = flight{request: r, arrival: now}
	if patience > 0 {
		f.events.Push(now+patience, 1, fleetEvent{kind: impatience, id: r.ID})
	}
	if f.pace != nil {
		f.pace.came(r)
	} else if f.Held() == 0 {
		if to := f.route(); to != nil {
			f.send(now, r.ID, to)
			return
		}
	}
	f.hold(now, r)
}

func (f *Fleet) hold(now time.Duration, r Request) {
	if f.queue == nil {
		f.fail(now, r.ID, Unserved)
		return
	}
	prompt := int64(r.PromptTokens)
	answer := f.queue.Offer(now, admit.Request{
		ID: admit.ID(r.ID), Bytes: admit.Overhead + admit.BytesPerToken*prompt, Tokens: prompt + int64(r.MaxTokens), Prompt: prompt,
	})
	if answer != admit.Held {
		f.fail(now, r.ID, Refused)
		return
	}
	f.release(now)
}

// release gives held requests to the replicas that have room for them. One that does not
// fit its engine makes room for another.
func (f *Fleet) release(now time.Duration) {
	give := f.byArrival
	if f.pace != nil {
		give = f.byPromise
	}
	for f.Held() > 0 && give(now, f.ready()) {
	}
}

func (f *Fleet) ready() []*Replica {
	var ready []*Replica
	for _, r := range f.replicas {
		if r.state == Ready {
			ready = append(ready, r)
		}
	}
	return ready
}

// byArrival sends each to the one with the fewest requests that wait for a first token; it
// is false if none went. Windows stay as they begin: only an answer that comes whole
// widens one, and all are streamed here.
func (f *Fleet) byArrival(now time.Duration, ready []*Replica) bool {
	pods := make([]admit.Pod, len(ready))
	for i, r := range ready {
		pods[i] = admit.Pod{Window: cmp.Or(f.config.Hold.Target, admit.UnknownTarget), Silent: r.silent()}
	}
	released := f.queue.Release(now, "", admit.Room(pods))
	for _, id := range released {
		f.send(now, ID(id), slices.MinFunc(ready, func(a, b *Replica) int { return a.silent() - b.silent() }))
	}
	return len(released) > 0
}

// byPromise sends those that can still have their first token in time first; it is false
// if none went.
func (f *Fleet) byPromise(now time.Duration, ready []*Replica) bool {
	places := make([]admit.Place, len(ready))
	for i, r := range ready {
		places[i] = f.pace.place(r)
	}
	placed := f.queue.ReleaseByPromise(now, "", f.pace.promise(), places)
	for _, p := range placed {
		f.send(now, ID(p.ID), ready[p.Place])
	}
	return len(placed) > 0
}

// expire ends what has been held for too long.
func (f *Fleet) expire(now time.Duration) {
	if f.queue == nil {
		return
	}
	for _, id := range f.queue.Tick(now) {
		f.fail(now, ID(id), Expired)
	}
}

// lose is a client that does not wait any longer.
func (f *Fleet) lose(now time.Duration, id ID) {
	fl, ok := f.flights[id]
	switch {
	case !ok:
	case fl.replica == nil:
		f.queue.Cancel(admit.ID(id))
		f.fail(now, id, Abandoned)
	default:
		f.abort(now, fl.replica, id, Abandoned)
		f.leave(now)
		f.release(now)
	}
}

// GiveUp ends all requests that there are, in order of their IDs: the run is over.
func (f *Fleet) GiveUp(now time.Duration) []Done {
	f.Sync(now)
	for _, id := range f.requests(func(flight) bool { return true }) {
		if r := f.flights[id].replica; r != nil {
			f.abort(now, r, id, GivenUp)
		} else {
			f.fail(now, id, GivenUp)
		}
	}
	if f.queue != nil {
		f.queue.GiveUp("")
	}
	return f.ended()
}

// Held is what waits in front of all replicas.
func (f *Fleet) Held() int { return f.HeldLoad().Requests }

// HeldLoad is that with what it weighs.
func (f *Fleet) HeldLoad() admit.Load {
	if f.queue == nil {
		return admit.Load{}
	}
	return f.queue.Total()
}
