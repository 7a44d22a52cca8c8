package network

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"
)

// proxy is the forward proxy: the lab's DNS for programs that know HTTP_PROXY.
type proxy struct {
	dir       *directory
	log       *log.Logger // for what net/http says about single connections
	transport *http.Transport
	requests  group
}

func newProxy(dir *directory, logger *slog.Logger) *proxy {
	return &proxy{dir: dir, log: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), transport: &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return dial(ctx, addr) },
		// A kept connection may meet a pod that has just gone, and the request would be
		// lost by the proxy's doing, not by the pod's.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
}

// serve answers on ln until ctx ends.
func (p *proxy) serve(ctx context.Context, ln net.Listener) (err error) {
	server := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          p.log,
	}
	var serving sync.WaitGroup
	serving.Go(func() { err = server.Serve(ln) })
	<-ctx.Done()
	_ = server.Close() // the listener's end is Serve's to report
	serving.Wait()
	p.requests.end()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// group counts what runs, so that its end can be awaited while more tries to start.
type group struct {
	mu    sync.Mutex
	ended bool
	wg    sync.WaitGroup
}

func (g *group) run(f func()) {
	g.mu.Lock()
	ended := g.ended
	if !ended {
		g.wg.Add(1)
	}
	g.mu.Unlock()
	if !ended {
		defer g.wg.Done()
		f()
	}
}

func (g *group) end() {
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.wg.Wait()
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests.run(func() { p.answer(w, r) })
}

func (p *proxy) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	case r.URL.Scheme != "http" || r.URL.Host == "":
		refuse(w, http.StatusBadRequest, errors.New("this is a forward proxy: it takes absolute http URLs and CONNECT"))
	default:
		p.forward(w, r)
	}
}

// forward passes one plain HTTP request on.
func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	addr, err := p.address(r.URL.Host, "80")
	if err != nil {
		refuse(w, status(err), err)
		return
	}
	reverse := httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { pr.Out.URL.Host = addr },
		Transport:     p.transport,
		FlushInterval: -1, // a stream's events pass as they come
		ErrorLog:      p.log,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			refuse(w, http.StatusBadGateway, fmt.Errorf("%s at %s: %w", r.Host, addr, err))
		},
	}
	reverse.ServeHTTP(w, r)
}

// tunnel connects the client with the address that it names.
func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	addr, err := p.address(r.Host, "443")
	if err != nil {
		refuse(w, status(err), err)
		return
	}
	server, err := dial(r.Context(), addr)
	if err != nil {
		refuse(w, http.StatusBadGateway, fmt.Errorf("%s at %s: %w", r.Host, addr, err))
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		reset(server)
		refuse(w, http.StatusInternalServerError, fmt.Errorf("taking over the connection: %w", err))
		return
	}
	client := conn.(*net.TCPConn)
	if err := greet(client, server, buffered.Reader.Buffered(), buffered.Peek); err != nil {
		reset(client)
		reset(server)
		return
	}
	splice(r.Context(), client, server)
}

// greet says that the tunnel is open and passes on what the client has sent already.
func greet(client, server net.Conn, n int, peek func(int) ([]byte, error)) error {
	if _, err := client.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return err
	}
	early, err := peek(n)
	if err != nil {
		return err
	}
	_, err = server.Write(early)
	return err
}

// address resolves host[:port].
func (p *proxy) address(hostport, defaultPort string) (string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = hostport, defaultPort
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", fmt.Errorf("%s: %q is no port", hostport, port)
	}
	return p.dir.resolve(host, int32(number))
}

func status(err error) int {
	if errors.Is(err, errOutside) {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

func refuse(w http.ResponseWriter, status int, err error) {
	http.Error(w, "flyball lab proxy: "+err.Error(), status)
}
