package gateway

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestG5_SlowReader: a client that takes nothing holds up its pod, not the memory of
// the gateway, and is given up after a while; one that is merely slow is served.
func TestG5_SlowReader(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		var sent atomic.Int64
		ended := make(chan time.Time, 2)
		pod := w.engine("pod", func(rw http.ResponseWriter, _ *http.Request) {
			for range 100 {
				n, err := rw.Write([]byte(strings.Repeat("x", 1<<20)))
				sent.Add(int64(n))
				if err != nil {
					break
				}
			}
			ended <- time.Now()
		})
		f.Update([]Service{llama(pod)})
		began := time.Now()
		answer, err := w.client.Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		took := (<-ended).Sub(began)
		if limit := f.config.Limits.WriteTime; took < limit*7/8 || took > limit+time.Second {
			t.Errorf("given up after %v, want %v", took, limit)
		}
		if n := sent.Load(); n > 1<<20 {
			t.Errorf("%d bytes were taken from the pod", n)
		}
		w.check("outcome", f.count("requests_total", "demo", "client_gone", "llama"), 1.0)
	})
}
