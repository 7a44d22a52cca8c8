package network

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

const acceptPause = 100 * time.Millisecond

// front is one port of a Service, as clients see it.
type front struct {
	addr    string // cluster address and port
	service types.NamespacedName
	port    int32
}

// fronts are what must be listened on, by address.
func fronts(services []*corev1.Service) map[string]front {
	all := map[string]front{}
	for _, svc := range services {
		if _, ok := loopback(svc.Spec.ClusterIP); !ok || svc.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		for _, p := range svc.Spec.Ports {
			if isTCP(p.Protocol) {
				addr := net.JoinHostPort(svc.Spec.ClusterIP, strconv.Itoa(int(p.Port)))
				all[addr] = front{addr, types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}, p.Port}
			}
		}
	}
	return all
}

// listeners are the open fronts. One goroutine calls update.
type listeners struct {
	dir    *directory
	log    *slog.Logger
	open   map[string]listener
	failed map[string]string // address → why it is not listened on
	wg     sync.WaitGroup
}

type listener struct {
	net.Listener
	front front
}

func newListeners(dir *directory, log *slog.Logger) *listeners {
	return &listeners{dir: dir, log: log, open: map[string]listener{}, failed: map[string]string{}}
}

// update closes and opens listeners until they are the wanted ones, and reports whether they are.
func (l *listeners) update(ctx context.Context, wanted map[string]front) bool {
	for addr, ln := range l.open {
		if wanted[addr] != ln.front {
			l.close(addr)
		}
	}
	for addr := range l.failed {
		if _, ok := wanted[addr]; !ok {
			delete(l.failed, addr)
		}
	}
	for addr, f := range wanted {
		if _, ok := l.open[addr]; !ok {
			l.listen(ctx, f)
		}
	}
	return len(l.failed) == 0
}

func (l *listeners) listen(ctx context.Context, f front) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", f.addr)
	if err != nil {
		if l.failed[f.addr] != err.Error() {
			l.log.Warn("a Service's cluster address is not listened on; its name works through the forward proxy", "service", f.service.String(), "error", err)
		}
		l.failed[f.addr] = err.Error()
		return
	}
	delete(l.failed, f.addr)
	l.open[f.addr] = listener{ln, f}
	l.log.Debug("listening for a Service", "service", f.service.String(), "address", f.addr)
	l.wg.Go(func() { l.accept(ctx, ln, f) })
}

// accept ends when the listener is closed. The connections outlive it.
func (l *listeners) accept(ctx context.Context, ln net.Listener, f front) {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			l.wg.Go(func() { l.serve(ctx, conn.(*net.TCPConn), f) })
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		default: // out of file descriptors: the client waits until there are some
			l.log.Warn("accepting a connection", "service", f.service.String(), "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
		}
	}
}

func (l *listeners) serve(ctx context.Context, client *net.TCPConn, f front) {
	server, err := l.connect(ctx, f)
	if err != nil {
		l.log.Debug("connection reset", "service", f.service.String(), "error", err)
		reset(client)
		return
	}
	splice(ctx, client, server)
}

func (l *listeners) connect(ctx context.Context, f front) (*net.TCPConn, error) {
	svc, err := l.dir.service(f.service)
	if err != nil {
		return nil, err
	}
	addr, err := l.dir.pick(svc, f.port)
	if err != nil {
		return nil, err
	}
	return dial(ctx, addr)
}

func (l *listeners) close(addr string) {
	_ = l.open[addr].Close() // it is gone either way
	delete(l.open, addr)
}

// end closes every listener and waits for the connections, which end with their context.
func (l *listeners) end() {
	for addr := range l.open {
		l.close(addr)
	}
	l.wg.Wait()
}
