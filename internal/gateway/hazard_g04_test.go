package gateway

import (
	"testing"
	"time"
)

// TestG4_SlowUpload: neither a header nor a body that never ends keeps a connection.
func TestG4_SlowUpload(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		began := time.Now()
		w.check("half a header", f.raw("POST /v1/completions HTTP/1.1\r\nHost: llama.demo\r\nX-"), "400 Bad Request")
		w.check("after", time.Since(began), f.config.Limits.HeaderTime)
		began = time.Now()
		w.check("half a body", f.raw("POST /v1/completions HTTP/1.1\r\nHost: llama.demo\r\nContent-Length: 100\r\n\r\n{"), "408 Request Timeout")
		w.check("after", time.Since(began), f.config.Limits.BodyTime)
		w.check("bytes of requests", f.memory.Load(), int64(0))
	})
}
