package gateway

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/demand"
)

// Benchmarks run each proxy in a process of its own, this test's program again, so
// that its time and memory can be told from those of clients and of pods.
const (
	childKind = "FLYBALL_BENCH_CHILD" // bare, gateway, asleep or flood
	childPods = "FLYBALL_BENCH_PODS"  // address
)

// serveChild serves until its standard input ends. It prints where.
func serveChild(kind string) int {
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	held, counted := func() int64 { return 0 }, func() int64 { return 0 }
	if kind == "bare" {
		go func() { _ = http.Serve(public, bareProxy(os.Getenv(childPods))) }()
	} else {
		g := childGateway(kind, os.Getenv(childPods))
		admin, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() { _ = g.Run(context.Background(), public, admin) }()
		held, counted = g.directory.Load().byKey["demo/llama"].held.Load, g.memory.Load
	}
	go func() { _ = http.Serve(control, controls(held, counted)) }()
	fmt.Println(public.Addr(), control.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// bareProxy is what the standard library offers: one pod, no limits, no accounts.
func bareProxy(pods string) http.Handler {
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: pods})
	p.Transport = &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	p.ErrorLog = log.New(io.Discard, "", 0)
	p.BufferPool = &pooled{sync.Pool{New: func() any { return make([]byte, 32<<10) }}}
	return p
}

type pooled struct{ pool sync.Pool }

func (p *pooled) Get() []byte  { return p.pool.Get().([]byte) }
func (p *pooled) Put(b []byte) { p.pool.Put(b) } //nolint:staticcheck // as everybody does it

// childGateway does all that a gateway does, its access log included.
func childGateway(kind, pods string) *Gateway {
	hold, limits, wakes := Defaults()
	hold.Service.Requests, hold.Total.Requests = 20000, 20000
	hold.Total.Bytes, hold.Service = 2<<30, admit.Budget{Bytes: 2 << 30, Requests: 20000}
	limits.DrainDelay, limits.DrainTime, limits.Connections = 0, 0, 20000
	if kind == "flood" {
		hold, limits = floodLimits()
		debug.SetMemoryLimit(limits.Memory())
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	g, err := New(Config{
		Name: "gateway", Hold: hold, Limits: limits, Wakes: wakes, Tenants: everybody(), Registry: prometheus.NewRegistry(),
		Log: slog.New(slog.NewJSONHandler(null, nil)), Tell: func(demand.Report) {}, PrefixBytes: 256,
	})
	if err != nil {
		panic(err)
	}
	s := llama()
	if kind == "gateway" {
		s.Pods = []Pod{{"pod", pods}}
	}
	g.Update([]Service{s})
	return g
}

// controls tell what the process has used.
func controls(held, counted func() int64) http.Handler {
	mux := http.NewServeMux()
	answer := func(path string, value func() int64) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, value()) })
	}
	answer("/cpu", func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	})
	answer("/memory", residentBytes)
	answer("/collected", func() int64 { debug.FreeOSMemory(); return residentBytes() })
	answer("/held", held)
	answer("/counted", counted)
	return mux
}

func residentBytes() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		panic(err)
	}
	return pages * int64(os.Getpagesize())
}

// pods answers as an engine: 1 KB at once, or a stream with an event each second.
func pods() http.Handler {
	kilobyte := []byte(strings.Repeat("x", 1024))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path != "/v1/stream" {
			_, _ = w.Write(kilobyte)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			_, err := io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n")
			if err != nil || http.NewResponseController(w).Flush() != nil || !pause(r.Context(), time.Second) {
				return
			}
		}
	})
}
