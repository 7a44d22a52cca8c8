package gateway

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// TestG9_RetryAfterConnectFailure: a pod that takes no connection is passed over, with
// the same body, as often as it needs; one that took the request and said nothing,
// a few times (INV-3).
func TestG9_RetryAfterConnectFailure(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		echo := func(rw http.ResponseWriter, r *http.Request) { _, _ = io.Copy(rw, r.Body) }
		dead, good := &engine{Pod: Pod{"dead", "dead:8000"}}, w.engine("good", echo)
		f.Update([]Service{llama(dead, good)})
		for range 20 {
			if got := f.post(chat); got.status != 200 || got.body != chat {
				t.Fatalf("got %v", got)
			}
		}
		if n := f.count("retries_total", "demo", "llama"); n < 1 || n > 2 {
			t.Errorf("%v retries, want one: the dead pod is then left alone", n)
		}

		// Alone, it is tried again and again, until the queue's time is up.
		f.Update([]Service{llama(dead)})
		lone := f.start(chat)
		pause(t.Context(), 20*time.Second)
		f.Update([]Service{llama(good)})
		w.check("once another is there", (<-lone).body, chat)

		hangsUp := func(rw http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
		bad := []*engine{w.engine("1", hangsUp), w.engine("2", hangsUp), w.engine("3", hangsUp), w.engine("4", hangsUp)}
		f.Update([]Service{llama(bad...)})
		got := f.post(chat)
		w.check("a request that fells pods", got.status, 502)
		fell := 0
		for _, e := range bad {
			fell += e.count()
		}
		w.check("pods it has felled", fell, mostSent)
	})
}
