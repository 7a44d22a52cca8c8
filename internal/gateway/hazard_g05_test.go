package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestG5_SlowReader: a client that takes nothing holds up its pod, not the memory of
// the gateway, and is given up after a while; one that is merely slow is served.
func TestG5_SlowReader(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		var sent atomic.Int64
		took := make(chan time.Duration, 1)
		pod := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			// The proxy flushes the header under a lock that it also writes under: in a
			// bubble, who waits for a lock stops the clock.
			_ = http.NewResponseController(rw).Flush()
			pause(r.Context(), time.Second)
			began := time.Now()
			for range 100 {
				n, err := rw.Write([]byte(strings.Repeat("x", 1<<20)))
				sent.Add(int64(n))
				if err != nil {
					break
				}
			}
			took <- time.Since(began)
		})
		f.Update([]Service{llama(pod)})
		answer, err := w.client.Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if limit, took := f.config.Limits.WriteTime, <-took; took < limit*7/8 || took > limit {
			t.Errorf("given up after %v, want %v", took, limit)
		}
		if n := sent.Load(); n > 1<<20 {
			t.Errorf("%d bytes were taken from the pod", n)
		}
		synctest.Wait()
		w.check("outcome", f.count("requests_total", "demo", "client_gone", "llama"), 1.0)

		f.Update([]Service{llama(w.engine("other", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", strconv.Itoa(64<<10)) // no flush
			says(strings.Repeat("x", 64<<10))(rw, r)
		}))})
		slow, err := w.client.Do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Body.Close()
		n, began := 0, time.Now()
		for err == nil {
			pause(t.Context(), 10*time.Second)
			var more int
			more, err = slow.Body.Read(make([]byte, 4<<10))
			n += more
		}
		if n != 64<<10 || time.Since(began) <= f.config.Limits.WriteTime {
			t.Errorf("a slow one got %d bytes in %v, %v", n, time.Since(began), err)
		}
	})
}
