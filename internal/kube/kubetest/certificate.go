package kubetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is one that is its own authority and good until a time, as PEM.
func Certificate(t *testing.T, end time.Time) []byte {
	t.Helper()
	certificate, _ := signed(t, &x509.Certificate{NotBefore: end.Add(-24 * time.Hour), NotAfter: end})
	return certificate
}

// Serving is a folder with a certificate of 127.0.0.1, as a Secret is mounted, which is its own
// authority.
func Serving(t *testing.T) (folder string, authority []byte) {
	t.Helper()
	authority, key := signed(t, &x509.Certificate{
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	folder = t.TempDir()
	for name, data := range map[string][]byte{"tls.crt": authority, "tls.key": key, "ca.crt": authority} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, authority
}

// signed is by a key of its own.
func signed(t *testing.T, c *x509.Certificate) (certificate, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(1)
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}
