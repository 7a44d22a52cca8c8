package vllmsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// version is the vLLM release whose API and metrics are imitated.
const version = "0.32.0"

// Config is a server to be.
type Config struct {
	Args     Args
	Settings Settings
	Registry *prometheus.Registry // empty; /metrics shows it
	Log      *slog.Logger
	// Listen opens the port; nil is TCP.
	Listen func(ctx context.Context, address string) (net.Listener, error)
}

// A Server is one replica.
type Server struct {
	args     Args
	settings Settings
	engine   plant.Config
	driver   *driver
	registry *prometheus.Registry
	http     *httpMetrics
	log      *slog.Logger
	listen   func(ctx context.Context, address string) (net.Listener, error)
	lastID   atomic.Uint64
}

// New checks the configuration and creates the server; nothing runs yet.
func New(c Config) (*Server, error) {
	profile, err := findProfile(c)
	if err != nil {
		return nil, err
	}
	s := &Server{
		args: c.Args, settings: c.Settings, engine: engineConfig(c.Args, c.Settings, profile),
		registry: c.Registry, log: c.Log, listen: c.Listen,
	}
	if s.listen == nil {
		s.listen = func(ctx context.Context, address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
	}
	e, err := plant.NewEngine(s.engine)
	if err != nil {
		return nil, hint.With(fmt.Errorf("starting the engine: %w", err),
			"change --max-model-len, --max-num-seqs, --max-num-batched-tokens or --gpu-memory-utilization; profile %s has %d tokens of KV cache at 0.9",
			profile.Name, profile.KVTokens)
	}
	s.driver = newDriver(e, newMetrics(c.Registry, c.Args, s.engine, c.Settings.Speed), c.Settings.Speed)
	s.http = newHTTPMetrics(c.Registry)
	return s, nil
}

// findProfile looks for the profile with the asked number of GPUs. One that nobody
// has measured is no reason not to start: vLLM would.
func findProfile(c Config) (plant.Profile, error) {
	p, err := plant.FindProfile(c.Settings.Profile, c.Args.TensorParallel)
	if err == nil || c.Args.TensorParallel == 0 {
		return p, err
	}
	p, err = plant.FindProfile(c.Settings.Profile, 0)
	if err == nil {
		c.Log.Warn("no profile for this number of GPUs, timing as another", "tensor-parallel-size", c.Args.TensorParallel, "profile", p.Name)
	}
	return p, err
}

func engineConfig(a Args, s Settings, p plant.Profile) plant.Config {
	e := plant.Config{
		Cost: p.Cost, KVTokens: p.KVTokensAt(a.GPUMemoryUtilization), BlockTokens: a.BlockTokens,
		MaxModelLen:         cmp.Or(a.MaxModelLen, p.MaxModelLen),
		MaxNumBatchedTokens: cmp.Or(a.MaxNumBatchedTokens, p.MaxNumBatchedTokens),
		MaxNumSeqs:          cmp.Or(a.MaxNumSeqs, p.MaxNumSeqs),
		PrefixCaching:       a.PrefixCaching,
		FrontEnd:            p.FrontEnd,
		FrontEndPerSequence: p.FrontEndPerSequence,
		AsyncScheduling:     p.AsyncScheduling && !a.NoAsyncScheduling,
		Jitter:              s.Jitter, Seed: seed(a, s),
	}
	if a.MaxModelLen == vllm.AutoModelLen {
		e.MaxModelLen = min(p.MaxModelLen, e.KVTokens/e.BlockTokens*e.BlockTokens)
	}
	// A default never stands in the way of what was asked for (arg_utils.py).
	if a.MaxNumBatchedTokens == 0 {
		e.MaxNumBatchedTokens = max(e.MaxNumBatchedTokens, e.MaxNumSeqs)
	}
	if a.MaxNumSeqs == 0 {
		e.MaxNumSeqs = min(e.MaxNumSeqs, e.MaxNumBatchedTokens)
	}
	return e
}

// seed gives each pod jitter of its own, and the same again after a restart.
func seed(a Args, s Settings) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", s.PodIP, a.Model)
	return h.Sum64()
}

// Address is where the server listens: the pod's own address unless another one
// than "all" was asked for, because pods of one machine share its ports.
func (s *Server) Address() string {
	host := s.args.Host
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = cmp.Or(s.settings.PodIP, host)
	}
	return net.JoinHostPort(host, strconv.Itoa(s.args.Port))
}

// Run loads, warms up, then serves until ctx ends. Then requests in flight are cut,
// after --shutdown-timeout seconds in which they may finish. It returns when no
// goroutine of it is left but those of handlers whose connection is cut.
func (s *Server) Run(ctx context.Context) error {
	if len(s.args.Ignored) > 0 {
		s.log.Info("arguments that the simulation does not use", "arguments", s.args.Ignored)
	}
	random := rand.New(rand.NewPCG(s.engine.Seed, 1))
	for _, phase := range []struct {
		name string
		took time.Duration
	}{{"loading weights", s.settings.Weights}, {"warming up", s.settings.WarmUp}} {
		took := time.Duration(float64(phase.took) * (1 + s.settings.Jitter*(2*random.Float64()-1)))
		if took == 0 {
			continue
		}
		s.log.Info("starting", "phase", phase.name, "takes", took)
		if !sleep(ctx, took) {
			return nil
		}
	}
	l, err := s.listen(ctx, s.Address())
	if err != nil {
		err = fmt.Errorf("listening on %s: %w", s.Address(), err)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = hint.With(err, "another process has the port; choose one with --port, or an address with --host")
		}
		return err
	}
	return s.serve(ctx, l)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	driverCtx, stopDriver := context.WithCancel(context.WithoutCancel(ctx))
	go s.driver.run(driverCtx)
	defer func() {
		stopDriver()
		<-s.driver.stopped
		s.log.Info("stopped", "finished", s.driver.completed, "aborted", s.driver.aborted)
	}()

	web := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	s.log.Info("serving", "address", l.Addr().String(), "models", s.args.ServedNames, "max_model_len", s.engine.MaxModelLen,
		"max_num_seqs", s.engine.MaxNumSeqs, "max_num_batched_tokens", s.engine.MaxNumBatchedTokens, "kv_tokens", s.engine.KVTokens)
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.log.Info("stopping", "shutdown-timeout", s.args.ShutdownTimeout)
	if s.args.ShutdownTimeout > 0 {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.args.ShutdownTimeout)
		defer cancel()
		if err := web.Shutdown(drain); err != nil {
			s.log.Warn("requests are still in flight after the shutdown timeout")
		}
	}
	if err := web.Close(); err != nil {
		return fmt.Errorf("closing the server: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
	return nil
}
