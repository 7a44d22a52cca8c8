package gateway

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"":                      func(*Config) {},
		"needs a name":          func(c *Config) { c.Name = "" },
		"needs a registry":      func(c *Config) { c.Log = nil },
		"all bodies at least":   func(c *Config) { c.Limits.BodiesBytes = c.Limits.BodyBytes - 1 },
		"must be positive":      func(c *Config) { c.Limits.WriteTime = 0 },
		"time to drain":         func(c *Config) { c.Limits.DrainDelay = -1 },
		"prefix of -1 bytes":    func(c *Config) { c.PrefixBytes = -1 },
		"would exceed alone":    func(c *Config) { c.Hold.Service.Bytes = c.Limits.BodyBytes },
		"hold queue: TTL is 0s": func(c *Config) { c.Hold.TTL = 0 },
	} {
		c := loopbackConfig()
		change(&c)
		_, err := New(c)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}

// TestRequestTime ends a request wherever it is: held, at a pod that says nothing, and
// in the middle of an answer, which is then cut (INV-4).
func TestRequestTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) { c.Limits.RequestTime = 20 * time.Second })
		f.Update([]Service{llama()})
		got := f.post(chat)
		w.check("held", got.status, http.StatusGatewayTimeout)
		w.check("after", got.took, 20*time.Second)
		f.Update([]Service{llama(w.engine("silent", hangs))})
		w.check("at a pod", f.post(chat).status, http.StatusGatewayTimeout)
		f.Update([]Service{llama(w.engine("endless", streams(1000)))})
		if got := f.post(chat); got.err == nil || got.took != 20*time.Second {
			t.Errorf("in the middle: %v, want it cut after 20 s", got)
		}
		w.check("outcome", f.count("requests_total", "demo", "timed_out", "llama"), 3.0)
	})
}

// TestTwoWay: a connection that a client opens for both directions waits for a pod as
// well (INV-8), and then passes bytes either way.
func TestTwoWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		conn, err := w.dial(t.Context(), "", "gateway:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /v1/realtime HTTP/1.1\r\nHost: llama.demo\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		w.check("sent", err, nil)
		pause(t.Context(), time.Second)
		w.check("held", f.held(), 1)
		f.Update([]Service{llama(w.engine("pod", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Connection", "Upgrade")
			rw.Header().Set("Upgrade", "echo")
			rw.WriteHeader(http.StatusSwitchingProtocols)
			conn, both, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			line, _ := both.ReadString('\n')
			_, _ = io.WriteString(conn, line)
		}))})
		r := bufio.NewReader(conn)
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		w.check("status", answer.StatusCode, http.StatusSwitchingProtocols)
		_, err = io.WriteString(conn, "hello\n")
		w.check("sent", err, nil)
		line, err := r.ReadString('\n')
		w.check("echo", line, "hello\n")
		w.check("error", err, nil)
		pause(t.Context(), time.Second)
		w.check("in flight", f.count("in_flight_requests", "demo", "llama"), 0.0)
		w.check("outcome", f.count("requests_total", "demo", "answered", "llama"), 1.0)
	})
}
