package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"weak"
)

// endless is a body that does not stop.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// TestG6_HugeBody: refused by its length, or when it passes the limit, and all bodies
// together stay within theirs (INV-2).
func TestG6_HugeBody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		most := int(f.config.Limits.BodyBytes)
		fits := chat + strings.Repeat(" ", most-len(chat))
		w.check("at the limit", f.post(fits).status, 200)
		w.check("above it", f.post(fits+" ").status, 413)
		r := f.request(t.Context(), http.MethodPost, "/v1/chat/completions", "")
		r.Body, r.ContentLength = io.NopCloser(endless{}), -1
		if got := f.do(r); got.status != 413 && got.err == nil {
			t.Errorf("without an end: %v, want 413", got)
		}
		w.check("bytes of requests", f.memory.Load(), int64(0))
	})
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) {
			c.Limits.RequestsBytes = 3 * (c.Limits.BodyBytes + requestBytes + 1<<10)
			c.Hold.Service.Bytes, c.Hold.Total.Bytes = 1<<20, 1<<20
		})
		f.Update([]Service{llama()})
		fits := chat + strings.Repeat(" ", int(f.config.Limits.BodyBytes)-len(chat))
		for range 3 {
			f.start(fits)
		}
		got := f.post(fits)
		if got.status != 429 || got.header.Get("Retry-After") == "" {
			t.Errorf("with the memory full: %v, want 429", got)
		}
		f.Update(nil)
		synctest.Wait()
		w.check("bytes of requests", f.memory.Load(), int64(0))
	})
}

// TestG6_BodyIsFreed as soon as its pod begins to answer: however long an answer takes,
// only what is counted is in memory (INV-2).
func TestG6_BodyIsFreed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", streams(3)))})
		r := f.request(t.Context(), http.MethodPost, "/v1/completions", "")
		x := newExchange(f.Gateway, httptest.NewRecorder(), r)
		x.service = f.directory.Load().byKey["demo/llama"]
		x.body = make([]byte, 1<<20)
		if refused := f.acquire(x); refused != nil {
			t.Fatal(refused)
		}
		body := weak.Make(&x.body[0])
		answer, err := forwarder{f.Gateway}.RoundTrip(r.WithContext(context.WithValue(t.Context(), exchangeKey{}, x)))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		runtime.GC()
		w.check("body still in memory", body.Value() != nil, false)
		_, err = io.Copy(io.Discard, answer.Body)
		w.check("the rest of the answer", err, nil)
		x.giveBack()
	})
}
