package pulse

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

const (
	// Patience is after what time the context of a piece of work ends: twice what the API
	// server gives a request.
	Patience = 2 * time.Minute
	// Limit is after what time work that goes on is stuck: it has not heeded its context.
	Limit = 5 * time.Minute
	// stacksBytes are enough for some hundred goroutines.
	stacksBytes = 256 << 10
)

// A Pulse knows what is under way. A nil one watches nothing.
type Pulse struct {
	log *slog.Logger

	mu    sync.Mutex
	begun map[*work]struct{}
}

// work is one piece of it, such as one reconciliation.
type work struct {
	what   string
	at     time.Time
	logged bool
}

// New logs what is stuck, and where each goroutine is then.
func New(log *slog.Logger) *Pulse {
	return &Pulse{log: log, begun: map[*work]struct{}{}}
}

// Begin is for what must come to an end within the limit, and end is its end.
func (p *Pulse) Begin(ctx context.Context, what string) (bounded context.Context, end func()) {
	bounded, cancel := context.WithTimeout(ctx, Patience)
	if p == nil {
		return bounded, cancel
	}
	w := &work{what: what, at: time.Now()}
	p.mu.Lock()
	p.begun[w] = struct{}{}
	p.mu.Unlock()
	return bounded, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.begun, w)
	}
}

// Check is an error that names what has been stuck for longest. It is logged once.
func (p *Pulse) Check() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var first *work
	for w := range p.begun {
		if time.Since(w.at) > Limit && (first == nil || w.at.Before(first.at)) {
			first = w
		}
	}
	if first == nil {
		return nil
	}
	err := fmt.Errorf("%s has not come to an end for %v", first.what, time.Since(first.at).Round(time.Second))
	if !first.logged {
		first.logged = true
		stacks := make([]byte, stacksBytes)
		p.log.Error("stuck: the liveness probe fails from now on", "error", err, "goroutines", string(stacks[:runtime.Stack(stacks, true)]))
	}
	return err
}
