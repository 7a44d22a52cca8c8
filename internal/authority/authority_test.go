package authority

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// INV-1.
func TestPool(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.crt")
	if _, err := Pool(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Pool of no file: %v, want its name", err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("not yet"))
	if _, err := Pool(file); err == nil || !strings.Contains(err.Error(), "no certificate in "+file+": give a file in PEM form") {
		t.Errorf("Pool of no certificate: %v", err)
	}
	write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	want := x509.NewCertPool()
	want.AddCert(server.Certificate())
	if pool, err := Pool(file); err != nil || !pool.Equal(want) {
		t.Errorf("Pool: %v, want the certificate that is there by now", err)
	}
}
