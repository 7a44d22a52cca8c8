package serve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/gateway"
)

func TestServicesOf(t *testing.T) {
	got := servicesOf([]explain.Backend{{
		Namespace: "demo", Name: "llama", Hosts: []string{"llama.demo"}, Models: []string{"m"}, Starting: 1, Stuck: "why", Target: 4,
		Pods: []explain.Server{{Name: "a", Address: "10.0.0.1:8000"}},
	}})
	want := []gateway.Service{{
		Namespace: "demo", Name: "llama", Hosts: []string{"llama.demo"}, Models: []string{"m"}, Starting: 1, Stuck: "why", Target: 4,
		Pods: []gateway.Pod{{Name: "a", Address: "10.0.0.1:8000"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servicesOf(): -want +got\n%s", diff)
	}
}

// controllers answer 204 and keep what they were told, as the controller reads it.
type controllers struct {
	t  *testing.T
	mu sync.Mutex

	urls, tokens []string
	told         []demand.Report
}

func (c *controllers) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var r demand.Report
	d := json.NewDecoder(req.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		c.t.Errorf("the controller cannot read the report: %v", err)
	}
	c.told = append(c.told, r)
	c.urls = append(c.urls, req.URL.String())
	c.tokens = append(c.tokens, req.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusNoContent, Body: io.NopCloser(bytes.NewReader(nil)), Request: req}, nil
}

// reporting is a gateway's reports to the controllers that a Service names.
func reporting(t *testing.T) (*reports, *controllers) {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, authority := selfSigned(t, "flyball-controller.flyball-system.svc")
	o := &reportOptions{token: token, caFile: token + ".ca"}
	if err := os.WriteFile(o.caFile, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := o.reports(gateway.Config{Name: "a", Log: slog.New(slog.DiscardHandler)}, "flyball-system",
		func() []string { return []string{"10.0.0.8:9444", "10.0.0.9:9444"} })
	if err != nil {
		t.Fatal(err)
	}
	c := &controllers{t: t}
	r.Client = &http.Client{Transport: c}
	return r, c
}

// INV-1: TestReportsReachControllers: what is told arrives at each of them as it is.
func TestReportsReachControllers(t *testing.T) {
	r, c := reporting(t)
	want := demand.Report{Gateway: "a", Services: []demand.Item{{
		Namespace: "demo", Name: "llama", Work: demand.Work{Held: 3, HeldTokens: 900, InFlight: 2, Arrivals: 4},
	}}}
	r.tell(want)
	r.Wait()
	slices.Sort(c.urls)
	if want := []string{"https://10.0.0.8:9444/v1/demand", "https://10.0.0.9:9444/v1/demand"}; !slices.Equal(c.urls, want) {
		t.Errorf("told %v, want %v", c.urls, want)
	}
	if diff := cmp.Diff([]demand.Report{want, want}, c.told); diff != "" || c.tokens[0] != "Bearer secret" {
		t.Errorf("told with %q: -want +got\n%s", c.tokens[0], diff)
	}
}

// A gateway with nothing to do says that it is there; one that speaks is not repeated.
func TestReportsKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := reporting(t)
		go r.keepAlive(t.Context())
		count := func() int {
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.told) / 2
		}
		if got := count(); got != 1 {
			t.Fatalf("%d reports at the start, want 1", got)
		}
		for range 3 {
			<-time.After(time.Second)
			r.tell(demand.Report{Gateway: "a", ByPromise: true, Services: []demand.Item{{Namespace: "demo", Name: "llama", Work: demand.Work{InFlight: 1, Arrivals: 7}}}})
		}
		<-time.After(aliveEvery - time.Millisecond)
		if got := count(); got != 4 {
			t.Fatalf("%d reports, want the 3 of the gateway and no other", got)
		}
		<-time.After(time.Millisecond)
		if got := count(); got != 5 {
			t.Fatalf("%d reports after %s of silence, want another", got, aliveEvery)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		again := c.told[len(c.told)-1]
		if last := again.Services[0]; last.InFlight != 1 || last.Arrivals != 0 || !again.ByPromise {
			t.Errorf("repeated %+v, want the last report without its arrivals", again)
		}
	})
}

func TestReportsGoWhereTheyAreSent(t *testing.T) {
	none := func() []string { return nil }
	o := &reportOptions{controllers: []string{"https://a:1/", "http://b:2"}}
	if got, want := o.urls(none), []string{"https://a:1/v1/demand", "http://b:2/v1/demand"}; !slices.Equal(got, want) {
		t.Errorf("urls() = %v, want %v", got, want)
	}
	empty := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := (&reportOptions{caFile: file}).reports(gateway.Config{}, "x", none); err == nil {
			t.Errorf("reports() with the authority %s = nil, want an error", file)
		}
		plain := &reportOptions{caFile: file, controllers: []string{"http://b:2"}}
		if _, err := plain.reports(gateway.Config{}, "x", none); err != nil {
			t.Errorf("reports() to http://b:2 with the authority %s = %v, want none", file, err)
		}
	}
}

// INV-1: TestReportsAfterARotation: reports reach a controller whose certificate is from another
// authority than at the start, once the file has that one.
func TestReportsAfterARotation(t *testing.T) {
	var current atomic.Pointer[tls.Certificate]
	took := make(chan bool, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusNoContent)
		took <- true
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }}
	server.StartTLS()
	defer server.Close()
	folder := t.TempDir()
	o := &reportOptions{token: filepath.Join(folder, "token"), caFile: filepath.Join(folder, "ca.crt")}
	rotate := func(path string) {
		certificate, pem := selfSigned(t, "flyball-controller.flyball-system.svc")
		current.Store(&certificate)
		if err := os.WriteFile(path, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(o.token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate(o.caFile)
	r, err := o.reports(gateway.Config{Name: "a", Log: slog.New(slog.DiscardHandler)}, "flyball-system",
		func() []string { return []string{server.Listener.Addr().String()} })
	if err != nil {
		t.Fatal(err)
	}
	arrives := func() bool {
		r.tell(demand.Report{Gateway: "a"})
		r.Wait()
		return len(took) > 0 && <-took
	}
	if !arrives() {
		t.Error("a report does not arrive")
	}
	rotate(filepath.Join(folder, "elsewhere"))
	if arrives() {
		t.Error("a controller of an unknown authority is told")
	}
	rotate(o.caFile)
	if !arrives() {
		t.Error("a report does not arrive after the rotation")
	}
}

func selfSigned(t *testing.T, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// INV-2: TestShippedMemory: what the flags of config/gateway allow fits into its container, and
// the container is not much larger than that.
func TestShippedMemory(t *testing.T) {
	text, err := config.Files.ReadFile("gateway/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	c := d.Spec.Template.Spec.Containers[0]
	var o gatewayOptions
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.register(flags)
	if err := flags.Parse(c.Args[1:]); err != nil {
		t.Fatal(err)
	}
	o.sizes()
	limit := c.Resources.Limits.Memory().Value()
	t.Setenv("GOMEMLIMIT", "off") // this test's own stays
	if err := setMemory(o.Limits.Memory(), strconv.FormatInt(limit, 10)); err != nil {
		t.Error(err)
	}
	if most := o.Limits.Memory() * 4 / 3; limit > most {
		t.Errorf("limits.memory = %d MiB, want at most %d for these flags", limit>>20, most>>20)
	}
	if err := setMemory(limit, strconv.FormatInt(limit, 10)); err == nil || !strings.Contains(err.Error(), "may take 1024 MiB, and the container has 1024") {
		t.Errorf("setMemory = %v, want a refusal that names both", err)
	}
}
