package network

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
)

// INV-5
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lab is a network over loopback listeners and a fake API server.
type lab struct {
	*testing.T
	client *fake.Clientset
	proxy  string
	http   *http.Client
}

func newTestLab(t *testing.T, objects ...runtime.Object) *lab {
	t.Helper()
	l := &lab{T: t, client: fake.NewClientset(objects...), proxy: freeAddr(t)}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- Run(ctx, Config{
			Client: l.client, ProxyAddr: l.proxy, Log: slog.New(slog.DiscardHandler),
			Static: func(ns, name string) (string, bool) { return l.proxy, ns+"/"+name == "demo/kubernetes" },
			Alias:  func(host string) (string, bool) { return "llama.demo.svc", host == "llama-demo.example.com" },
			Ready:  func() { close(ready) },
		})
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("Run = %v before it was ready", err)
	}
	transport := &http.Transport{
		Proxy:           func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: l.proxy}, nil },
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	l.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	return l
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// serverPod is a ready pod whose port http1 is the server's.
func serverPod(t *testing.T, name string, serve http.HandlerFunc) *corev1.Pod {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return podAt(name, server.Listener.Addr())
}

func podAt(name string, addr net.Addr) *corev1.Pod {
	return testPod(name, "127.0.0.1", func(p *corev1.Pod) {
		p.Spec.Containers[1].Ports[0].ContainerPort = int32(addr.(*net.TCPAddr).Port)
	})
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func llama(addr string) *corev1.Service {
	a, _ := net.ResolveTCPAddr("tcp", addr)
	return testService("llama", "127.0.0.1", corev1.ServicePort{Port: int32(a.Port), TargetPort: intstr.FromString("http1")})
}

func (l *lab) get(url string) (int, string) {
	l.Helper()
	resp, err := l.http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// eventually waits for what an informer has still to hear of.
func (l *lab) eventually(what string, done func() bool) {
	l.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			l.Fatalf("%s: not within 20 s", what)
		}
	}
}

func (l *lab) update(pod *corev1.Pod) {
	l.Helper()
	if _, err := l.client.CoreV1().Pods("demo").Update(l.Context(), pod, metav1.UpdateOptions{}); err != nil {
		l.Fatal(err)
	}
}

// dialled reads what the server of one new connection to the cluster address answers.
func dialled(addr string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	answer, err := io.ReadAll(conn)
	return string(answer[max(0, len(answer)-1):]), err
}

// INV-2, INV-3, INV-5
func TestClusterAddress(t *testing.T) {
	addr := freeAddr(t)
	a, b := serverPod(t, "a", says("a")), serverPod(t, "b", says("b"))
	l := newTestLab(t, llama(addr), a, b)
	first, err1 := dialled(addr)
	second, err2 := dialled(addr)
	third, err3 := dialled(addr)
	if err := errors.Join(err1, err2, err3); err != nil || first == second || first != third {
		t.Errorf("three connections reached %q, %q, %q, %v, want two pods in turn", first, second, third, err)
	}

	notReady(a)
	l.update(a)
	l.eventually("only b serves", func() bool {
		one, _ := dialled(addr)
		two, _ := dialled(addr)
		return one == "b" && two == "b"
	})
	notReady(b)
	l.update(b)
	l.eventually("connections are reset", func() bool {
		_, err := dialled(addr)
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	})
	if err := l.client.CoreV1().Services("demo").Delete(t.Context(), "llama", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	l.eventually("the listener is closed", func() bool {
		_, err := dialled(addr)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// INV-3
func TestAnOccupiedAddressIsTakenLater(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := occupied.Addr().String()
	l := newTestLab(t, llama(addr), serverPod(t, "a", says("a")))
	occupied.Close()
	l.eventually("the address is listened on", func() bool {
		got, err := dialled(addr)
		return err == nil && got == "a"
	})
}

// INV-2, INV-3
func TestForwardProxy(t *testing.T) {
	a, b := serverPod(t, "a", says("a")), serverPod(t, "b", says("b"))
	headless := testService("headless", corev1.ClusterIPNone)
	headless.Spec.Selector["app"] = "llama"
	empty := testService("empty", "", corev1.ServicePort{Port: 80})
	alias := testService("alias", "")
	alias.Spec.Type, alias.Spec.ExternalName = corev1.ServiceTypeExternalName, "llama.demo.svc.cluster.local"
	away := testService("away", "")
	away.Spec.Type, away.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
	circle := testService("circle", "")
	circle.Spec.Type, circle.Spec.ExternalName = corev1.ServiceTypeExternalName, "circle.demo.svc"
	selectorless := testService("selectorless", "")
	kubernetes := testService("kubernetes", "", corev1.ServicePort{Port: 443})
	kubernetes.Spec.Selector, selectorless.Spec.Selector = nil, nil
	svc := testService("llama", "", corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http1")})
	l := newTestLab(t, svc, headless, empty, alias, away, circle, selectorless, kubernetes, a, b)

	_, one := l.get("http://llama.demo.svc.cluster.local/v1/models")
	_, two := l.get("http://llama.demo.svc.cluster.local/v1/models")
	if one == two || len(one) != 1 || len(two) != 1 {
		t.Errorf("two requests on one connection were answered by %q and %q, want a and b", one, two)
	}
	direct := fmt.Sprintf("127.0.0.1:%d", a.Spec.Containers[1].Ports[0].ContainerPort)
	for _, tt := range []struct {
		url    string
		status int
		says   string
	}{
		{"http://llama.demo", 200, ""},
		{"http://alias.demo.svc", 200, ""},
		{"http://llama-demo.example.com", 200, ""},
		{"http://" + direct, 200, "a"},
		{"http://headless.demo.svc:" + strings.TrimPrefix(direct, "127.0.0.1:"), 200, "a"},
		{"http://kubernetes.demo.svc:443", 400, "forward proxy"}, // answered by its static address, this proxy
		{"http://empty.demo.svc", 503, "no ready pod behind Service demo/empty, whose selector matches 0"},
		{"http://llama.demo.svc:81", 503, "no port 81 on Service demo/llama, which has 80"},
		{"http://gone.demo.svc", 503, "no Service gone in namespace demo"},
		{"http://gone.demo", 503, "no Service gone in namespace demo"},
		{"http://selectorless.demo.svc", 503, "no selector on Service demo/selectorless"},
		{"http://circle.demo.svc", 503, "lead to each other"},
		{"http://away.demo.svc", 403, "the lab has no outside"},
		{"http://example.com", 403, "example.com: the lab has no outside"},
		{"http://10.0.0.1", 403, "the lab has no outside"},
		{"http://headless.demo.svc:1", 502, "connection refused"},
	} {
		if status, body := l.get(tt.url); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("GET %s = %d %q, want %d %q", tt.url, status, body, tt.status, tt.says)
		}
	}
}

// INV-2, INV-3
func TestTunnel(t *testing.T) {
	server := httptest.NewTLSServer(says("secret"))
	t.Cleanup(server.Close)
	svc := testService("llama", "", corev1.ServicePort{Port: 443, TargetPort: intstr.FromString("http1")})
	l := newTestLab(t, svc, podAt("a", server.Listener.Addr()))
	if status, body := l.get("https://llama.demo.svc"); status != 200 || body != "secret" {
		t.Errorf("GET through CONNECT = %d %q, want 200 secret", status, body)
	}
	for url, want := range map[string]string{
		"https://gone.demo.svc": "Service Unavailable", "https://example.com": "Forbidden", "https://127.0.0.1:1": "Bad Gateway",
	} {
		if _, text := l.get(url); !strings.Contains(text, want) {
			t.Errorf("GET %s = %q, want %q", url, text, want)
		}
	}
}

// INV-4
func TestStreamPassesAtOnceAndBreaksVisibly(t *testing.T) {
	breakOff := make(chan struct{})
	pod := serverPod(t, "a", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-breakOff
		panic(http.ErrAbortHandler)
	})
	addr := freeAddr(t)
	l := newTestLab(t, llama(addr), pod)
	_, port, _ := net.SplitHostPort(addr)
	for name, url := range map[string]string{
		"proxy": "http://llama.demo.svc:" + port, "address": "http://" + addr,
	} {
		client := l.http
		if name == "address" {
			client = &http.Client{Transport: &http.Transport{}}
		}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		events := bufio.NewReader(resp.Body)
		if line, err := events.ReadString('\n'); line != "data: 1\n" {
			t.Errorf("%s: the first event is %q, %v, want data: 1", name, line, err)
		}
		breakOff <- struct{}{}
		if _, err := io.ReadAll(events); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the broken stream ends with %v, want unexpected EOF", name, err)
		}
		resp.Body.Close()
	}
}

// INV-1
func TestConfigValidate(t *testing.T) {
	good := Config{
		Client: fake.NewClientset(), ProxyAddr: "127.42.0.1:3128", Log: slog.New(slog.DiscardHandler),
		Static: func(string, string) (string, bool) { return "", false },
	}
	if err := good.Validate(); err != nil {
		t.Errorf("Validate() = %v, want nil", err)
	}
	for name, spoil := range map[string]func(*Config){
		"open to others": func(c *Config) { c.ProxyAddr = "0.0.0.0:3128" },
		"no port":        func(c *Config) { c.ProxyAddr = "127.42.0.1" },
		"no client":      func(c *Config) { c.Client = nil },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Validate(); err == nil {
			t.Errorf("%s: Validate() = nil, want an error", name)
		}
	}
}

// INV-1
func TestDialRefusesTheOutside(t *testing.T) {
	if _, err := dial(t.Context(), "10.0.0.1:80"); !errors.Is(err, errOutside) {
		t.Errorf("dial(10.0.0.1:80) = %v, want %v", err, errOutside)
	}
}
