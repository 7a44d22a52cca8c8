package gateway

import (
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// pod is a Pod and what it has to do.
type pod struct {
	Pod
	hash     uint64
	inFlight atomic.Int64
	silent   atomic.Int64 // of these, without a byte of an answer
	work     atomic.Int64 // tokens that are still to be read or written, by estimate
	unread   atomic.Int64 // of prompts, as far as requests wait by promise
	loss     loss

	queue uint64       // of the service's queues that for which first is; the gateway's lock
	first int          // its window when that one began; the gateway's lock
	drawn atomic.Int64 // by how much the window has grown since

	shunnedUntil atomic.Int64 // on the gateway's clock, which no one sets back; no connection could be opened
	failures     atomic.Int64 // in a row

	spoke        atomic.Bool   // it has given an answer
	lastByte     atomic.Int64  // of an answer, on the gateway's clock
	errors       atomic.Int64  // in a row
	ejectedUntil atomic.Int64  // on the gateway's clock; 0 if it is not, and has stood its trial
	onTrial      atomic.Bool   // it has the one request that it gets after an ejection
	ejections    int           // in a row; the gateway's lock
	ejectionEnd  time.Duration // of the last one; the gateway's lock
}

func newPod(p Pod) *pod {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.Name))
	return &pod{Pod: p, hash: h.Sum64(), loss: loss{turns: map[*exchange]*turn{}}}
}

// count is of a request that the pod gets.
func (p *pod) count(x *exchange) {
	p.inFlight.Add(1)
	p.silent.Add(1)
	if x.g.config.ByPromise {
		p.unread.Add(x.input)
	}
}

const (
	shunFirst = time.Second
	shunMost  = 8 * time.Second
)

// shun keeps requests from a pod that takes no connections, each time twice as long.
func (p *pod) shun(now time.Duration) time.Duration {
	d := min(shunMost, shunFirst<<min(p.failures.Add(1)-1, 10))
	p.shunnedUntil.Store(int64(now + d))
	return d
}

// answered forgets that it did.
func (p *pod) answered() {
	if p.failures.Load() > 0 {
		p.failures.Store(0)
		p.shunnedUntil.Store(0)
	}
}

func (p *pod) usable(now time.Duration) bool {
	return p.shunnedUntil.Load() <= int64(now) && !p.ejected(now)
}

// room is how many held requests may go to pods now, and the pods. It needs the
// gateway's lock.
func (s *service) room(now time.Duration) (int, []*pod) {
	var pods []*pod
	var all []admit.Pod
	for _, p := range *s.ready.Load() {
		if p.usable(now) {
			pods, all = append(pods, p), append(all, p.room(s))
		}
	}
	return admit.Room(all), pods
}

// room begins a window with each queue that the service has.
func (p *pod) room(s *service) admit.Pod {
	silent := int(p.silent.Load())
	if p.queue != s.queue {
		p.queue, p.first = s.queue, admit.Window(s.target(), silent)
		p.drawn.Store(0)
	}
	return admit.Pod{Window: p.first + int(p.drawn.Load()), Silent: silent}
}
