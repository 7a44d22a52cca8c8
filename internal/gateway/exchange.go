package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

// An Outcome is how a request ended.
type Outcome int

// How a request ends.
const (
	_           Outcome = iota
	Answered            // by a pod or by the gateway itself, to the last byte
	Refused             // it is at fault itself: 4xx
	Full                // too much is held, or in memory: 429
	Unavailable         // nothing to wait for: 503
	Expired             // waited too long: 503 without pods, 429 with busy ones
	Failed              // no pod gave an answer: 502
	TimedOut            // took longer than Limits.RequestTime
	ClientGone          // before the last byte or event, or took none for Limits.WriteTime
	Cut                 // its pod went away in the middle of the answer
	Crashed             // by a fault of the gateway's own
	numOutcomes
)

func (o Outcome) String() string {
	names := [numOutcomes]string{
		"invalid", "answered", "refused", "full", "unavailable", "expired", "failed", "timed_out", "client_gone", "cut", "crashed",
	}
	if o < 0 || o >= numOutcomes {
		return names[0]
	}
	return names[o]
}

// exchange is a request on its way through the gateway. It belongs to the handler's
// goroutine.
type exchange struct {
	g       *Gateway
	writer  writer
	request *http.Request
	began   time.Time
	trace   trace

	tenant   tenant.Tenant
	service  *service // nil until it is found
	named    bool     // by its host name or the header
	body     []byte
	fixed    int64    // bytes of the budget for requests: its headers and what goes with it
	reserved int64    // and of its body
	stream   bool     // an answer in events is asked for
	only     []string // the names of the pods that serve its model, where not every pod does
	limited  bool     // that is so
	prefix   uint64
	input    int64 // tokens, by estimate
	output   int64

	pod      *pod   // that has the request now
	podName  string // of the last one that had
	silent   bool   // and has given no byte of an answer
	reading  *reading
	sentAt   time.Time
	calm     bool   // it had no more of these then than it is meant to
	tried    []*pod // that failed it
	sent     int    // times that a pod may have had it and failed
	attempts int

	waited    time.Duration // held
	firstByte time.Duration
	readErr   error // from the pod, in the middle of an answer
	outcome   Outcome
	passed    bool // the proxy returned, and did not abort
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

func newExchange(g *Gateway, w http.ResponseWriter, r *http.Request) *exchange {
	now := time.Now()
	return &exchange{
		g: g, request: r, began: now, trace: traceOf(r.Header),
		writer: writer{ResponseWriter: w, patience: g.config.Limits.WriteTime},
	}
}

// take gives the request to a pod.
func (x *exchange) take(p *pod) {
	p.count(x)
	x.adopt(p)
}

// adopt is take for a pod at which the request is counted already.
func (x *exchange) adopt(p *pod) {
	x.pod, x.podName, x.silent, x.sentAt = p, p.Name, true, time.Now()
	x.calm = p.silent.Load() <= int64(x.service.target())
	p.work.Add(x.input + x.output)
	x.reads(p)
	p.loss.take(x, x.sentAt)
	p.onTrial.CompareAndSwap(false, p.ejectedUntil.Load() != 0)
	x.service.inFlight.Add(1)
}

// speaks notes that the pod has given a first byte: its prompt has been read.
func (x *exchange) speaks() {
	if !x.silent {
		return
	}
	x.silent = false
	x.firstByte = time.Since(x.began)
	if x.stream {
		x.service.firstBytes.add(time.Since(x.sentAt), 1)
	}
	x.pod.loss.speaks(x)
	x.pod.silent.Add(-1)
	x.pod.work.Add(-x.input)
	x.reading.stop()
	if x.writer.status == http.StatusOK {
		if !x.pod.spoke.Swap(true) && x.service.held.Load() > 0 {
			x.g.hurry() // more may be asked for now
		}
		x.pod.loss.read(x, time.Now())
		if !x.stream && admit.Quick(float64(time.Since(x.sentAt)), float64(x.service.calm.usual(x.output))) {
			x.pod.drawn.Add(1) // the answer comes whole, so that it has ended
		}
	}
	x.g.settle(x.service)
}

// giveBack ends what take began.
func (x *exchange) giveBack() {
	p := x.pod
	if p == nil {
		return
	}
	work := x.output
	if x.silent {
		p.silent.Add(-1)
		work += x.input
		defer x.g.leaves(x, p)
	}
	p.work.Add(-work)
	x.reading.stop()
	p.inFlight.Add(-1)
	p.loss.giveBack(x)
	x.service.inFlight.Add(-1)
	x.pod, x.silent = nil, false
	x.g.settle(x.service)
}

// end sees to it that every request is accounted for, also while the proxy unwinds
// after an answer that was cut.
func (x *exchange) end() {
	x.writer.finish()
	x.giveBack()
	x.dropBody()
	x.g.memory.Add(-x.fixed)
	if x.outcome == 0 {
		x.outcome = x.unfinished()
	}
	if s := x.service; s != nil {
		s.outcomes[x.outcome].Add(1)
		whole := time.Since(x.began)
		s.wholeTime.Observe(whole.Seconds())
		if x.outcome == Answered && x.writer.status == http.StatusOK && x.output > 0 {
			s.given.add(whole-x.waited, x.output)
			if x.calm {
				s.calm.add(time.Since(x.sentAt), x.output)
			}
		}
		if x.firstByte > 0 {
			s.firstByteTime.Observe(x.firstByte.Seconds())
		}
	} else {
		x.g.unrouted[x.outcome].Add(1)
	}
	x.log()
}

// unfinished tells why an answer that was begun has ended.
func (x *exchange) unfinished() Outcome {
	if x.passed {
		return Answered
	}
	x.reset()
	switch err := x.request.Context().Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case err == nil && x.readErr != nil:
		return Cut
	case err != nil && x.writer.done:
		return Answered
	case err == nil && !x.writer.failed:
		return Crashed // the server logs what has panicked
	}
	return ClientGone
}

type connKey struct{}

// reset makes an aborted answer to an HTTP/1.0 client look like one: without chunks,
// a connection that is closed would look like the end.
func (x *exchange) reset() {
	conn, _ := x.request.Context().Value(connKey{}).(net.Conn)
	for {
		above, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = above.NetConn()
	}
	if c, ok := conn.(interface{ SetLinger(seconds int) error }); ok && !x.request.ProtoAtLeast(1, 1) {
		_ = c.SetLinger(0) // a connection that is gone already needs none
	}
}
