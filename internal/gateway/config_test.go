package gateway

import (
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
		"may exceed alone":      func(c *Config) { c.Limits.RequestsBytes = c.Limits.BodyBytes },
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
