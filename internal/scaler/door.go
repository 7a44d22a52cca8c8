package scaler

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	"google.golang.org/grpc/credentials"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
)

// mutual asks for a client's certificate. The authority is read again for each connection, of
// which KEDA has one.
func mutual(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), file string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pool, err := authority.Pool(file)
			if err != nil {
				return nil, fmt.Errorf("reading the authority of KEDA's certificate: %w", err)
			}
			return &tls.Config{
				MinVersion: tls.VersionTLS13, GetCertificate: certificate,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, VerifyConnection: isKEDA,
				SessionTicketsDisabled: true, // one from before a rotation must not pass by
			}, nil
		},
	}
}

func isKEDA(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return errors.New("the client has no certificate")
	}
	// Others that the authority has signed, such as the scaler's own, may not ask.
	if names := c.PeerCertificates[0].DNSNames; !slices.Contains(names, config.KEDAName) {
		return fmt.Errorf("the client's certificate is for %q, want %s: is it the one of ClusterTriggerAuthentication flyball?", names, config.KEDAName)
	}
	return nil
}

// A door counts who is not let in, and logs why when the reason changes.
type door struct {
	credentials.TransportCredentials

	refused func()
	log     logr.Logger

	mu   sync.Mutex
	last string
}

// ServerHandshake is of one connection.
func (d *door) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := d.TransportCredentials.ServerHandshake(c)
	if errors.Is(err, io.EOF) { // who only looks whether the port is open
		return secured, info, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	said := ""
	if err != nil {
		d.refused()
		said = err.Error()
	}
	if said != d.last && said != "" {
		d.log.Info("a client is refused", "address", c.RemoteAddr().String(), "error", said)
	}
	d.last = said
	return secured, info, err
}
