package scaler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

const (
	maxMessage = 16 << 10 // bytes, of a trigger's metadata above all
	maxHeader  = 8 << 10
	drainTime  = 5 * time.Second // what calls in flight may take on shutdown
)

// Config is what a Server needs.
type Config struct {
	Address      string // to listen on
	Certificates string // folder with tls.crt and tls.key, and ca.crt, the authority of KEDA's certificate
	Book         Book
	Registry     prometheus.Registerer
	Log          logr.Logger
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Address == "":
		return hint.With(errors.New("an address for KEDA's calls is missing"), "for example --bind-address :9443")
	case c.Certificates == "":
		return hint.With(errors.New("certificates are missing: KEDA is heard over mutual TLS only"),
			"give the folder with tls.crt, tls.key and ca.crt: --certificates DIR")
	}
	return nil
}

// A Server answers KEDA; any number of them may stand behind one Service.
type Server struct {
	config  Config
	service *service
	closing chan struct{}
	serving atomic.Bool
}

// New adds its metrics to the registry.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m, err := newMeter(c.Registry)
	if err != nil {
		return nil, err
	}
	closing := make(chan struct{})
	return &Server{
		config: c, closing: closing,
		service: &service{book: c.Book, meter: m, limits: newLimits(), closing: closing},
	}, nil
}

// NeedLeaderElection lets every replica answer.
func (s *Server) NeedLeaderElection() bool { return false }

// Ready fails while KEDA is not answered.
func (s *Server) Ready(*http.Request) error {
	if !s.serving.Load() {
		return errors.New("the scaler does not listen")
	}
	return nil
}

// Start serves until the context ends, once.
func (s *Server) Start(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Address)
	if err != nil {
		return hint.With(fmt.Errorf("listening for KEDA: %w", err), "name another address: --bind-address")
	}
	certificates, err := certwatcher.New(filepath.Join(s.config.Certificates, "tls.crt"), filepath.Join(s.config.Certificates, "tls.key"))
	if err != nil {
		return errors.Join(fmt.Errorf("reading the scaler's certificate: %w", err), l.Close())
	}
	go func() {
		if err := certificates.Start(ctx); err != nil {
			s.config.Log.Error(err, "the scaler's certificate is not read again")
		}
	}()
	return s.serve(ctx, l, &door{
		TransportCredentials: credentials.NewTLS(mutual(certificates.GetCertificate, filepath.Join(s.config.Certificates, "ca.crt"))),
		refused:              s.service.meter.refused.Inc, log: s.config.Log,
	})
}

// serve ends all streams well when the context ends, then the calls, then the rest.
func (s *Server) serve(ctx context.Context, l net.Listener, creds credentials.TransportCredentials) error {
	g := grpc.NewServer(
		grpc.Creds(creds), grpc.UnaryInterceptor(s.call), grpc.StreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxHeaderListSize(maxHeader), grpc.ConnectionTimeout(10*time.Second),
		// KEDA has one connection for all; what a namespace may have is counted elsewhere, where
		// it is an error and no wait.
		grpc.MaxConcurrentStreams(streams+10_000),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	)
	externalscaler.RegisterExternalScalerServer(g, s.service)
	stop := context.AfterFunc(ctx, func() {
		s.serving.Store(false)
		close(s.closing)
		late := time.AfterFunc(drainTime, g.Stop)
		defer late.Stop()
		g.GracefulStop()
	})
	defer stop()
	s.serving.Store(true)
	if err := g.Serve(l); err != nil {
		return fmt.Errorf("serving KEDA: %w", err)
	}
	return nil
}

// call goes around each call with one answer.
func (s *Server) call(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (res any, err error) {
	defer func() { s.service.meter.answered(info.FullMethod, err) }()
	defer s.recovered(info.FullMethod, &err)
	if namespace := namespaceOf(req); !s.service.limits.call(namespace, time.Now()) {
		return nil, tooMuch(namespace, "calls")
	}
	return handle(ctx, req)
}

func namespaceOf(req any) string {
	switch r := req.(type) {
	case *externalscaler.ScaledObjectRef:
		return r.GetNamespace()
	case *externalscaler.GetMetricsRequest:
		return r.GetScaledObjectRef().GetNamespace()
	}
	return ""
}

// stream goes around each stream.
func (s *Server) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer func() { s.service.meter.answered(info.FullMethod, err) }()
	defer s.service.meter.opened(info.FullMethod)()
	defer s.recovered(info.FullMethod, &err)
	return handle(service, stream)
}

// recovered makes an error of a panic.
func (s *Server) recovered(method string, err *error) {
	if p := recover(); p != nil {
		s.config.Log.Error(fmt.Errorf("%v", p), "answering KEDA", "method", method, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "an error within Flyball's scaler, which its log has")
	}
}
