package scaler

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

// A signer is an authority.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *signer {
	t.Helper()
	a := &signer{}
	_, a.key, a.certificate = a.sign(t, "authority", true)
	return a
}

// sign returns a certificate of that DNS name with its key; one's own for an authority.
func (a *signer) sign(t testing.TB, name string, ca bool) (der []byte, key *ecdsa.PrivateKey, parsed *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IsCA: ca, BasicConstraintsValid: true,
	}
	by, with := a.certificate, a.key
	if ca {
		by, with = c, key
	}
	if der, err = x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with); err != nil {
		t.Fatal(err)
	}
	if parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return der, key, parsed
}

func (a *signer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

func (a *signer) pair(t testing.TB, name string) tls.Certificate {
	t.Helper()
	der, key, _ := a.sign(t, name, false)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// write leaves tls.crt, tls.key and ca.crt.
func (a *signer) write(t testing.TB, folder string) {
	t.Helper()
	der, key, _ := a.sign(t, "flyball-scaler.flyball-system", false)
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
		"ca.crt":  a.pem(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// loopback is a server with real certificates on a real port.
func loopback(t testing.TB, a *signer, b Book) (s *Server, address, folder string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	a.write(t, folder)
	s, err = New(Config{Address: address, Certificates: folder, Book: b, Registry: prometheus.NewRegistry(), Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Start() = %v, want nil", err)
		}
	})
	return s, address, folder
}

// connect is KEDA with these certificates.
func connect(t testing.TB, address string, trusts *signer, has ...tls.Certificate) externalscaler.ExternalScalerClient {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(trusts.certificate)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		RootCAs: pool, ServerName: "flyball-scaler.flyball-system", Certificates: has, MinVersion: tls.VersionTLS12,
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return externalscaler.NewExternalScalerClient(conn)
}

// INV-4: TestOnlyKEDAIsHeard: over loopback, with real certificates, and after the authority
// has changed.
func TestOnlyKEDAIsHeard(t *testing.T) {
	b := newNotes()
	b.decide("demo/llama", 2, 2)
	ours, theirs := newAuthority(t), newAuthority(t)
	s, address, folder := loopback(t, ours, b)
	ask := func(c externalscaler.ExternalScalerClient, options ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		res, err := c.IsActive(ctx, ref("llama"), options...)
		if err == nil && !res.Result {
			t.Error("IsActive = false, want true")
		}
		return err
	}
	keda := connect(t, address, ours, ours.pair(t, config.KEDAName))
	if err := ask(keda, grpc.WaitForReady(true)); err != nil {
		t.Fatalf("KEDA's certificate: %v, want an answer", err)
	}
	if err := s.Ready(nil); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
	for name, c := range map[string]externalscaler.ExternalScalerClient{
		"no certificate":         connect(t, address, ours),
		"another authority's":    connect(t, address, ours, theirs.pair(t, config.KEDAName)),
		"the scaler's own":       connect(t, address, ours, ours.pair(t, "flyball-scaler.flyball-system")),
		"who trusts another one": connect(t, address, theirs, ours.pair(t, config.KEDAName)),
	} {
		if err := ask(c); err == nil {
			t.Errorf("%s: answered, want a refusal", name)
		}
	}
	awaitRefusals(t, s, 4)
	if err := os.WriteFile(filepath.Join(folder, "ca.crt"), theirs.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ask(connect(t, address, ours, theirs.pair(t, config.KEDAName))); err != nil {
		t.Errorf("after the authority has changed: %v, want an answer", err)
	}
	if err := ask(connect(t, address, ours, ours.pair(t, config.KEDAName))); err == nil {
		t.Error("the authority before: answered, want a refusal")
	}
}

// awaitRefusals waits for so many: a client gives up before the server has heard why.
func awaitRefusals(t *testing.T, s *Server, least float64) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); refusals(t, s) < least; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("flyball_scaler_refused_connections_total = %v, want at least %v", refusals(t, s), least)
		}
	}
}

// refusals is flyball_scaler_refused_connections_total.
func refusals(t *testing.T, s *Server) float64 {
	t.Helper()
	families, err := s.config.Registry.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "flyball_scaler_refused_connections_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}

func TestStartRefuses(t *testing.T) {
	whole := Config{Address: "127.0.0.1:0", Certificates: t.TempDir(), Registry: prometheus.NewRegistry(), Log: logr.Discard()}
	for _, change := range []func(*Config){func(c *Config) { c.Address = "" }, func(c *Config) { c.Certificates = "" }} {
		c := whole
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("New(%q, %q) = nil, want an error", c.Address, c.Certificates)
		}
	}
	s, err := New(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("Start() without certificates = nil, want an error")
	}
	if err := s.Ready(nil); err == nil {
		t.Error("Ready() = nil, want an error")
	}
}
