package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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
		w.check("bytes of bodies", f.bodies.Load(), int64(0))
	})
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) {
			c.Limits.BodiesBytes = 3 * c.Limits.BodyBytes
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
		w.check("bytes of bodies", f.bodies.Load(), int64(0))
	})
}
