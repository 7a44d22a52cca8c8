package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Run serves requests on public, and /healthz, /readyz and /metrics on admin, until
// ctx ends and what was begun has ended. It closes both.
func (g *Gateway) Run(ctx context.Context, public, admin net.Listener) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() { defer close(kept); g.keep(life) }()
	defer func() { end(); <-kept; g.transport.CloseIdleConnections() }()

	requests, cut := context.WithCancel(life)
	defer cut()
	web, side := g.server(g), g.server(g.admin())
	web.BaseContext = func(net.Listener) context.Context { return requests }
	clients := bound(public, g.config.Limits.Connections)
	web.ConnState = clients.state
	side.TLSConfig = nil
	failed := make(chan error, 2)
	go func() { failed <- serve(side, admin) }()
	go func() { failed <- serve(web, clients) }()
	select {
	case err := <-failed:
		return errors.Join(err, web.Close(), side.Close(), <-failed)
	case <-ctx.Done():
	}
	err := g.drain(life, web)
	cut()
	g.open.Wait()
	return errors.Join(err, side.Close(), <-failed, <-failed)
}

func serve(s *http.Server, l net.Listener) error {
	run := s.Serve
	if s.TLSConfig != nil {
		run = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	if err := run(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
	return nil
}

func (g *Gateway) server(h http.Handler) *http.Server {
	limits := g.config.Limits
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, TLSConfig: g.config.TLS.Clone(), Protocols: protocols,
		ReadHeaderTimeout: limits.HeaderTime, IdleTimeout: limits.IdleTime, MaxHeaderBytes: limits.HeaderBytes,
		ErrorLog: log.New(serverLog{g.log}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// serverLog sorts what net/http has to say: a handler's panic is a fault of the
// gateway's, all else a client's broken connection.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	said := string(bytes.TrimSpace(line))
	if strings.HasPrefix(said, "http: panic serving ") || strings.HasPrefix(said, "http2: panic serving ") {
		l.log.Error("a request is lost to a fault of the gateway's", "error", said)
	} else {
		l.log.Debug("a client's connection is broken", "error", said)
	}
	return len(line), nil
}

// drain lets what was begun end, and what still arrives meanwhile. Not being ready
// comes first, and the listener stays until those who send requests have noticed.
func (g *Gateway) drain(ctx context.Context, web *http.Server) error {
	limits := g.config.Limits
	g.draining.Store(true)
	g.log.Info("stopping", "delay", limits.DrainDelay, "bound", limits.DrainTime)
	delay := time.NewTimer(limits.DrainDelay)
	defer delay.Stop()
	<-delay.C
	bound, cancel := context.WithTimeout(ctx, limits.DrainTime)
	defer cancel()
	err := web.Shutdown(bound)
	if err == nil && g.ended(bound) {
		return nil
	} else if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	g.log.Warn("requests are cut: they have not ended within the bound")
	g.abandon()
	last, cancel := context.WithTimeout(ctx, time.Second) // the held ones hear it
	defer cancel()
	if err := web.Shutdown(last); err == nil {
		return nil
	}
	return web.Close()
}

// ended waits for the requests whose connections are no longer the server's: those that
// a two-way session has taken over.
func (g *Gateway) ended(bound context.Context) bool {
	all := make(chan struct{})
	go func() { defer close(all); g.open.Wait() }()
	select {
	case <-all:
		return true
	case <-bound.Done():
		return false
	}
}

func (g *Gateway) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := g.config.Pulse.Check(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if g.draining.Load() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		select {
		case <-g.told:
		default:
			http.Error(w, "the services are not known yet", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.config.Registry, promhttp.HandlerOpts{}))
	return mux
}
