//go:build linux

package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"time"
)

// followInterval is how often a followed log is looked at.
const followInterval = 200 * time.Millisecond

// serveLogs opens, on each node's own address, the part of the kubelet's API that kubectl logs
// uses. The API server does not verify the certificate unless it is told to.
func (a *Agent) serveLogs(ctx context.Context) (stop func(), err error) {
	cert, err := selfSigned()
	if err != nil {
		return nil, fmt.Errorf("making the log endpoint's certificate: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", a.containerLogs)
	server := &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}},
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0), // broken handshakes are the client's to report
	}
	stop = func() { _ = server.Close() }
	for name, h := range a.nodes {
		l, err := net.Listen("tcp4", net.JoinHostPort(h.ip, "0"))
		if err != nil {
			stop()
			return nil, fmt.Errorf("opening the log endpoint of node %s: %w", name, err)
		}
		if addr, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			h.port = int32(addr.Port())
		}
		a.nodes[name] = h
		go func() { _ = server.ServeTLS(l, "", "") }() // ends with Close
	}
	return stop, nil
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// containerLogs writes the output of a container's run. The log files carry no times, so that
// sinceSeconds, sinceTime and timestamps have no effect.
func (a *Agent) containerLogs(rw http.ResponseWriter, r *http.Request) {
	key := instanceKey{r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")}
	in, ok := a.instances.of(key)
	if !ok || in.log == "" {
		// The API server passes on the text of a 400 only.
		http.Error(rw, fmt.Sprintf("container %q in pod %q has not started in this lab", key.container, key.pod), http.StatusBadRequest)
		return
	}
	f, err := os.Open(in.log)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	defer f.Close()
	q := r.URL.Query()
	src, err := selectLog(f, in, q)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	if _, err := io.Copy(rw, src); err != nil {
		return // the client has gone
	}
	if q.Get("follow") == "true" && q.Get("previous") != "true" {
		a.follow(r.Context(), rw, f, key)
	}
}

// selectLog reads what the query asks for; f stands at its beginning afterwards.
func selectLog(f *os.File, in instance, q url.Values) (io.Reader, error) {
	from, end := in.from, int64(math.MaxInt64)
	if q.Get("previous") == "true" {
		from, end = in.previous, in.from
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(q.Get("tailLines")); err == nil {
		if from, err = tail(f, from, min(size, end), n); err != nil {
			return nil, err
		}
	}
	if n, err := strconv.ParseInt(q.Get("limitBytes"), 10, 64); err == nil {
		end = min(end, from+n)
	}
	_, err = f.Seek(from, io.SeekStart)
	return io.LimitReader(f, end-from), err
}

// follow copies what is added until the run ends or the client goes.
func (a *Agent) follow(ctx context.Context, rw http.ResponseWriter, f *os.File, key instanceKey) {
	flusher := http.NewResponseController(rw)
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	began, _ := a.instances.of(key)
	for {
		in, ok := a.instances.of(key)
		over := !ok || in.from != began.from || in.process != nil && in.process.ExitCode() >= 0
		if _, err := io.Copy(rw, f); err != nil {
			return
		}
		if err := flusher.Flush(); err != nil || over {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tail finds where the last n lines of f between from and end begin.
func tail(f io.ReaderAt, from, end int64, n int) (int64, error) {
	if n == 0 {
		return end, nil
	}
	const chunk = 32 << 10
	buf := make([]byte, chunk)
	lines := 0
	for at := end; at > from; {
		size := min(chunk, at-from)
		at -= size
		if _, err := f.ReadAt(buf[:size], at); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for i := size - 1; i >= 0; i-- {
			// The newline that ends the last line does not begin another.
			if buf[i] != '\n' || at+i == end-1 {
				continue
			}
			if lines++; lines == n {
				return at + i + 1, nil
			}
		}
	}
	return from, nil
}
