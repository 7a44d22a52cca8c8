package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Outlier detection, in the words of Envoy's. A pod that is Ready and answers nothing, or
// only errors, would get its share for ever, and more than that if it is quick about it.
const (
	consecutive5xx   = 5                // errors in a row
	baseEjectionTime = 30 * time.Second // times the number of ejections in a row …
	maxEjectionTime  = 5 * time.Minute  // … up to this, after which a pod's past is forgotten
	maxEjectionShare = 2                // one pod in so many may be ejected, and never the last that is usable
)

// A pod is silent for too long when a request has waited for a first byte for
// silentLeast and silentTimes as long as is usual, and the pod has given no byte of any
// answer meanwhile. A client that leaves after silentLeft has seen an error.
const (
	silentLeast   = 30 * time.Second
	silentTimes   = 5
	silentUnknown = 2 * time.Minute // while nothing is usual
	silentLeft    = 5 * time.Second
)

// errEjected ends an attempt at a pod that is an outlier.
var errEjected = errors.New("the pod is ejected")

// turn is a request's at a pod. The pod's loss guards it.
type turn struct {
	sent   time.Duration           // when it came, on the gateway's clock
	ends   time.Time               // when it is expected to end
	spoke  bool                    // a first byte has come
	cancel context.CancelCauseFunc // of an attempt that has no answer yet
}

// patienceWith is how long a pod may be silent about a request.
func (s *service) patienceWith(x *exchange) time.Duration {
	known, tokens := &s.firstBytes, int64(1)
	if !x.stream {
		known, tokens = &s.given, x.output // a whole answer is silent to its end
	}
	if known.tokens.Load() == 0 {
		return silentUnknown
	}
	return max(silentLeast, silentTimes*known.usual(tokens))
}

// alive notes a sign of life.
func (p *pod) alive(now time.Duration) {
	p.lastByte.Store(int64(now))
	if until := p.ejectedUntil.Load(); until != 0 && int64(now) >= until {
		p.ejectedUntil.Store(0) // its trial has gone well
		p.onTrial.Store(false)
	}
}

// ejected is true after the time too, while the one request that is its trial has no
// first byte.
func (p *pod) ejected(now time.Duration) bool {
	until := p.ejectedUntil.Load()
	return until != 0 && (int64(now) < until || p.onTrial.Load())
}

// overdue is how long the pod has been silent about a request for which that is too long.
func (p *pod) overdue(now time.Duration) (time.Duration, bool) {
	last := time.Duration(p.lastByte.Load())
	p.loss.mu.Lock()
	defer p.loss.mu.Unlock()
	for x, t := range p.loss.turns {
		if silent := now - t.sent; !t.spoke && last <= t.sent && silent >= x.service.patienceWith(x) {
			return silent, true
		}
	}
	return 0, false
}

// findOutliers looks at every pod.
func (g *Gateway) findOutliers() {
	now := g.now()
	for _, s := range g.directory.Load().list {
		for _, p := range *s.ready.Load() {
			if silent, ok := p.overdue(now); ok && (!p.ejected(now) || p.onTrial.Load()) {
				g.eject(s, p, fmt.Sprintf("no byte of an answer for %v", silent.Round(time.Second)))
			}
		}
	}
}

// leaves notes a request that goes without a byte of an answer: its client has seen an
// error if it has waited for long.
func (g *Gateway) leaves(x *exchange, p *pod) {
	waited := time.Since(x.sentAt)
	if x.request.Context().Err() != nil && waited >= silentLeft && p.lastByte.Load() <= int64(g.now()-waited) {
		g.failed(x.service, p)
	}
	p.onTrial.Store(false) // another one may be its trial
}

// failed counts an error of a pod's.
func (g *Gateway) failed(s *service, p *pod) {
	if p.errors.Add(1) >= consecutive5xx && p.ejectedUntil.Load() == 0 || p.onTrial.Load() {
		g.eject(s, p, fmt.Sprintf("%d errors in a row", p.errors.Load()))
	}
}

// eject keeps requests from a pod for a while, if there are others, and lets those that
// it has not begun to answer go to them.
func (g *Gateway) eject(s *service, p *pod, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	ready := *s.ready.Load()
	others, gone := 0, 0
	for _, o := range ready {
		switch {
		case o == p:
		case o.ejected(now):
			gone++
		case o.usable(now) && o.answers(now):
			others++
		}
	}
	if others == 0 || (gone+1)*maxEjectionShare > len(ready) {
		return
	}
	if now > p.ejectionEnd+maxEjectionTime {
		p.ejections = 0
	}
	p.ejections++
	d := min(maxEjectionTime, time.Duration(p.ejections)*baseEjectionTime)
	p.ejectionEnd = now + d
	p.ejectedUntil.Store(int64(p.ejectionEnd))
	p.onTrial.Store(false)
	p.errors.Store(0)
	s.ejections.Add(1)
	time.AfterFunc(d, func() { g.settle(s) })
	g.log.Warn("a pod gets no requests for a while", "service", s.key, "pod", p.Name, "because", why, "for", d)
	p.loss.mu.Lock()
	defer p.loss.mu.Unlock()
	for _, t := range p.loss.turns {
		if !t.spoke && t.cancel != nil {
			t.cancel(errEjected)
		}
	}
}

// answers tells whether a pod may be expected to answer: it has nothing to do, or has
// answered lately.
func (p *pod) answers(now time.Duration) bool {
	return p.inFlight.Load() == 0 || int64(now)-p.lastByte.Load() < int64(silentLeast)
}
