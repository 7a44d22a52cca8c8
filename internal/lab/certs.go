//go:build linux

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/flyball-dev/flyball/internal/authority"
)

// certLifetime outlives any rehearsal; a lab makes new certificates at each start.
const certLifetime = 30 * 24 * time.Hour

// pki is every certificate of the control plane, written below dir.
type pki struct {
	dir   string
	ca    *authority.Authority
	proxy *authority.Authority // another one, as kube-apiserver demands
}

// newPKI writes what the processes' flags name: ca, front-proxy-ca and
// service-account keys, and a pair per component.
func newPKI(dir, apiHost, serviceIP string) (*pki, error) {
	ca, err := authority.New("flyball-lab", time.Now().Add(certLifetime))
	if err != nil {
		return nil, err
	}
	proxy, err := authority.New("flyball-lab-front-proxy", time.Now().Add(certLifetime))
	if err != nil {
		return nil, err
	}
	p := &pki{dir, ca, proxy}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the certificates' directory: %w", err)
	}
	sa, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the ServiceAccount key: %w", err)
	}
	saPEM, err := authority.EncodeKey(sa)
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"ca.crt": ca.PEM, "front-proxy-ca.crt": proxy.PEM, "sa.key": saPEM} {
		if err := os.WriteFile(p.path(name), data, 0o600); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := p.write("apiserver", ca, pkix.Name{CommonName: "kube-apiserver"}, apiHost, serviceIP, "localhost",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"); err != nil {
		return nil, err
	}
	return p, p.write("front-proxy-client", proxy, pkix.Name{CommonName: "front-proxy-client"})
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

// write issues a pair and stores it as NAME.crt and NAME.key.
func (p *pki) write(name string, by *authority.Authority, subject pkix.Name, hosts ...string) error {
	issued, err := by.Issue(subject, hosts...)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path(name+".crt"), issued.Certificate, 0o600); err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", name, err)
	}
	if err := os.WriteFile(p.path(name+".key"), issued.Key, 0o600); err != nil {
		return fmt.Errorf("writing the key of %s: %w", name, err)
	}
	return nil
}
