package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// Config is a gateway to be.
type Config struct {
	Name    string          // tells this gateway from its replicas
	Tenants *tenant.Checker // tells who sends a request
	Hold    admit.Config    // how much may be held and how long
	Limits  Limits
	Wakes   Wakes
	// PrefixBytes is how much of a prompt's beginning decides to which pod it goes, as
	// long as that pod is not busier than others: requests that begin alike then find
	// their beginning in its cache. 0 does not look at it.
	PrefixBytes int
	// ByPromise lets requests wait in front of all pods while none has room for them, those that
	// can still have their first token in time first (admit.Promise), where Hear has told what a
	// pod has room for. It overrides PrefixBytes there.
	ByPromise bool
	// Tell passes on what the gateway has to do. It must not wait. nil tells nobody.
	Tell     func(demand.Report)
	Registry *prometheus.Registry // empty; /metrics shows it
	Log      *slog.Logger
	Pulse    *pulse.Pulse // what must come to an end, as /healthz says; nil watches nothing
	TLS      *tls.Config  // nil serves plain HTTP
	// Dial opens connections to pods; nil is TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Wakes bound how often services are woken within an hour.
type Wakes struct{ Service, Client int } // each service, and each client where clients are told apart

// Limits bound what clients, pods and the gateway's own end may take.
type Limits struct {
	Connections   int           // that are open at a time
	HeaderBytes   int           // of a request
	HeaderTime    time.Duration // in which its header must have come
	BodyBytes     int64         // of a request
	BodyTime      time.Duration // in which its body must have come
	RequestsBytes int64         // of all requests that are in memory: header, body and what goes with each
	WriteTime     time.Duration // for which a client may take nothing of an answer
	RequestTime   time.Duration // from the first byte of a request to the last of its answer
	IdleTime      time.Duration // for which a connection may stay without a request
	DrainDelay    time.Duration // between not being ready and not listening
	DrainTime     time.Duration // for which requests may go on after that
}

// Defaults fit an engine with a cold start of minutes.
func Defaults() (admit.Config, Limits, Wakes) {
	return admit.Defaults(), Limits{
		Connections: 10000, HeaderBytes: 32 << 10, HeaderTime: 10 * time.Second,
		BodyBytes: 32 << 20, BodyTime: time.Minute, RequestsBytes: 1 << 30,
		WriteTime: time.Minute, RequestTime: time.Hour, IdleTime: 2 * time.Minute,
		DrainDelay: 5 * time.Second, DrainTime: 10 * time.Minute,
	}, Wakes{Service: 60, Client: 20}
}

// Validate refuses limits that would let nothing through, or that never act.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return errors.New("a gateway needs a name")
	case c.Registry == nil || c.Log == nil || c.Tenants == nil:
		return errors.New("a gateway needs a registry, a log and to know who may send requests")
	case c.PrefixBytes < 0:
		return fmt.Errorf("prefix of %d bytes, must not be negative", c.PrefixBytes)
	}
	if err := c.Limits.validate(); err != nil {
		return err
	}
	if most := c.Limits.BodyBytes + int64(c.Limits.HeaderBytes) + admit.Overhead; c.Hold.Service.Bytes < most {
		return fmt.Errorf("a service may hold %d bytes, which a request of %d would exceed alone", c.Hold.Service.Bytes, most)
	}
	if err := c.Hold.Validate(); err != nil {
		return fmt.Errorf("hold queue: %w", err)
	}
	return nil
}

func (l Limits) validate() error {
	switch most := l.BodyBytes + int64(l.HeaderBytes) + requestBytes; {
	case l.Connections < 1 || l.HeaderBytes < 1 || l.BodyBytes < 1:
		return fmt.Errorf("limits of %d connections, %d bytes of a header and %d of a body: each must be at least 1", l.Connections, l.HeaderBytes, l.BodyBytes)
	case l.RequestsBytes < most:
		return fmt.Errorf("all requests may take %d bytes, which one of %d may exceed alone", l.RequestsBytes, most)
	case min(l.HeaderTime, l.BodyTime, l.WriteTime, l.RequestTime, l.IdleTime) <= 0:
		return errors.New("each time limit must be positive")
	case min(l.DrainDelay, l.DrainTime) < 0:
		return errors.New("the time to drain must not be negative")
	}
	return nil
}
