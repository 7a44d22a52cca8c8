package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// loss is what would be lost if a pod went now, beside the work that its requests are
// owed: the order in which pods leave depends on it (drain.Pod).
type loss struct {
	mu    sync.Mutex
	turns map[*exchange]*turn // of the requests at the pod
	cache recall
}

// take notes a request that the pod gets.
func (l *loss) take(x *exchange, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[x] = &turn{sent: x.g.now(), ends: now.Add(x.service.given.usual(x.output))}
}

// attempt notes how it is ended, and nil once there is an answer.
func (l *loss) attempt(x *exchange, cancel context.CancelCauseFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.turns[x]; t != nil {
		t.cancel = cancel
	}
}

// speaks notes a first byte.
func (l *loss) speaks(x *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.turns[x]; t != nil {
		t.spoke = true
	}
}

// read notes that the pod has read the request's prompt.
func (l *loss) read(x *exchange, now time.Time) {
	if x.prefix == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cache.see(now, x.prefix, min(x.input, int64(x.g.config.PrefixBytes/admit.BytesPerToken)))
}

func (l *loss) giveBack(x *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.turns, x)
}

// at is the time after which the last request is expected to end, 0 if all should
// have, and the tokens of recent prompts that the pod knew already.
func (l *loss) at(now time.Time) (remaining time.Duration, prefixTokens int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.turns {
		remaining = max(remaining, t.ends.Sub(now))
	}
	return remaining, l.cache.saved(now)
}

// A prompt's beginning is recent for recallTime or recallMost other ones, at least, and
// twice as long at most.
const (
	recallTime = 5 * time.Minute
	recallMost = 4096
)

// recall estimates what a pod's prefix cache saves: the beginnings of prompts that the
// pod has read before. It forgets the older of two generations when the newer is full.
type recall struct {
	began        time.Time // the newer one
	newer, older generation
}

type generation struct {
	prefixes map[uint64]bool
	saved    int64 // tokens
}

// see notes a prompt whose beginning has so many tokens.
func (r *recall) see(now time.Time, prefix uint64, tokens int64) {
	r.turn(now)
	if r.newer.prefixes[prefix] || r.older.prefixes[prefix] {
		r.newer.saved += tokens
	}
	r.newer.prefixes[prefix] = true
}

func (r *recall) saved(now time.Time) int64 {
	r.turn(now)
	return r.newer.saved + r.older.saved
}

func (r *recall) turn(now time.Time) {
	age := now.Sub(r.began)
	if age < recallTime && len(r.newer.prefixes) < recallMost {
		return
	}
	r.older = r.newer
	if age >= 2*recallTime {
		r.older = generation{}
	}
	r.began, r.newer = now, generation{prefixes: map[uint64]bool{}}
}
