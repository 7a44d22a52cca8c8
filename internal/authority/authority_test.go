package authority

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// INV-2.
func TestIssue(t *testing.T) {
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	a, err := New("one", until)
	if err != nil {
		t.Fatal(err)
	}
	other, err := New("one", until)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := a.Issue(pkix.Name{CommonName: "server"}, "llama.demo.svc", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(issued.Certificate, issued.Key)
	if err != nil || !pair.Leaf.NotAfter.Equal(until) {
		t.Fatalf("the pair: %v, until %v, want %v", err, pair.Leaf.NotAfter, until)
	}
	for name, tc := range map[string]struct {
		by    *Authority
		host  string
		trust bool
	}{
		"its name":               {a, "llama.demo.svc", true},
		"its address":            {a, "127.0.0.1", true},
		"another name":           {a, "llama.prod.svc", false},
		"another of that name's": {other, "llama.demo.svc", false},
	} {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(tc.by.PEM)
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: tc.host}); (err == nil) != tc.trust {
			t.Errorf("%s: %v, want trust: %v", name, err, tc.trust)
		}
	}
}
