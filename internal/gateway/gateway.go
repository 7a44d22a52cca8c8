package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

// A Gateway is an http.Handler. Run must be running for requests to be held, and
// Update have been called for it to know any service.
type Gateway struct {
	config    Config
	began     time.Time // the hold queue's zero
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	metrics   *metrics
	log       *slog.Logger

	directory atomic.Pointer[directory]
	told      chan struct{} // closed once Update has been called
	draining  atomic.Bool
	memory    atomic.Int64 // bytes that requests take
	unrouted  [numOutcomes]atomic.Int64
	urgent    chan struct{}  // a report is due now
	open      sync.WaitGroup // requests; no new one comes once the server is shut down

	mu      sync.Mutex
	queue   *admit.Queue
	wakes   wakes
	lastID  admit.ID
	tickets map[admit.ID]*ticket
	closed  bool // nothing is held any more
}

// New checks the configuration and makes a gateway that knows no service.
func New(c Config) (*Gateway, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	queue, err := admit.New(c.Hold)
	if err != nil {
		return nil, err
	}
	budgets, err := newWakes(c.Wakes)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		config: c, began: time.Now(), log: c.Log, queue: queue, wakes: budgets,
		tickets: map[admit.ID]*ticket{}, urgent: make(chan struct{}, 1), told: make(chan struct{}),
	}
	g.directory.Store(&directory{})
	g.metrics = newMetrics(g, c.Registry)
	g.transport = newTransport(c)
	g.proxy = &httputil.ReverseProxy{
		Rewrite: rewrite, Transport: forwarder{g}, ModifyResponse: inStream, ErrorHandler: unanswered,
		BufferPool: newBuffers(), ErrorLog: log.New(io.Discard, "", 0), // each request's end is in the access log
	}
	return g, nil
}

// newTransport opens connections to pods. An engine's web server closes a connection
// that was idle for 5 s (uvicorn's default): before that, it is not used any more. The
// usual prompt of some KB and its header go out in one write, for which the default
// buffer of 4 KB is too small.
func newTransport(c Config) *http.Transport {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 2 * time.Second, KeepAliveConfig: alive()}).DialContext
	}
	return &http.Transport{
		DialContext:            dial,
		DisableCompression:     true, // answers pass as they are
		IdleConnTimeout:        4 * time.Second,
		MaxIdleConnsPerHost:    256,
		MaxResponseHeaderBytes: 256 << 10,
		WriteBufferSize:        8 << 10,
	}
}

// alive asks the other side's kernel whether it is still there: an engine may think for
// minutes, and a stream from a node that is lost ends after 30 s.
func alive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// buffers are those that answers are copied through, one for each stream: events are
// small, and a buffer for each of thousands of streams is what counts.
type buffers struct{ pool sync.Pool }

const bufferBytes = 8 << 10

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([bufferBytes]byte) }}}
}

func (b *buffers) Get() []byte {
	buffer, _ := b.pool.Get().(*[bufferBytes]byte)
	return buffer[:]
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferBytes]byte)(p)) }

// ServeHTTP takes a request to its end.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.open.Add(1)
	defer g.open.Done()
	x := newExchange(g, w, r)
	ctx, cancel := context.WithTimeout(r.Context(), g.config.Limits.RequestTime)
	defer cancel()
	x.request = r.WithContext(context.WithValue(ctx, exchangeKey{}, x))
	defer x.end()
	if g.draining.Load() || len(r.TransferEncoding) > 0 {
		// The next request finds another gateway. And after a body in chunks there is
		// none on this connection: had it a length as well, which the server leaves out,
		// then somebody before the gateway may take what follows for a part of the body.
		w.Header().Set("Connection", "close")
	}
	var err error
	if x.tenant, err = g.config.Tenants.Of(r); err != nil {
		x.refuse(unknownClient(err))
		return
	}
	if !x.charge() {
		x.refuse(memoryFull())
		return
	}
	if refused := x.awaitServices(); refused != nil {
		x.refuse(refused)
		return
	}
	if answered := x.prepare(); answered {
		return
	}
	if refused := g.acquire(x); refused != nil {
		x.refuse(refused)
		return
	}
	g.proxy.ServeHTTP(&x.writer, x.request)
	x.passed = true
}

// startTime is how long a request waits for a gateway that has just started to be told
// which services there are.
const startTime = 10 * time.Second

// awaitServices: before it is told a gateway knows of no service that there is none.
func (x *exchange) awaitServices() *refusal {
	select {
	case <-x.g.told:
		return nil
	default:
	}
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-x.g.told:
		return nil
	case <-timer.C:
		return unavailable("gateway_starting", time.Second, "The gateway does not know the services yet; another one takes the request.")
	case <-x.request.Context().Done():
		return gone()
	}
}

// rewrite is what a pod sees of a request.
func rewrite(p *httputil.ProxyRequest) {
	x := exchangeOf(p.In.Context())
	p.Out.URL.Scheme = "http"
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
	p.SetXForwarded()
	for _, h := range []string{serviceHeader, earlyHeader, tenant.KeyHeader, tenant.ClientHeader, tenant.NamespacesHeader, "Expect"} {
		p.Out.Header.Del(h)
	}
	if !isTwoWay(p.In.Header) { // no engine takes another one up
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
	x.trace.set(p.Out.Header)
	p.Out.TransferEncoding, p.Out.Trailer = nil, nil // the body has been read
}

// unanswered ends a request that no pod has answered.
func unanswered(_ http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	var refused *refusal
	switch ctx := r.Context(); {
	case errors.As(err, &refused):
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		refused = tooLong(x.g.config.Limits.RequestTime)
	case ctx.Err() != nil:
		refused = gone()
	case x.attempts == 0:
		refused = invalidRequest(http.StatusBadRequest, "", "The request cannot be passed on: %v.", err)
	case x.sent > 0:
		refused = lostByPod()
	default:
		refused = badUpstream(err)
	}
	x.refuse(refused)
}
