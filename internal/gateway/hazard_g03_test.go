package gateway

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
)

// TestG3_ClientDisconnectsWhileHeld: its place is free at once, which needs that the
// body has been read.
func TestG3_ClientDisconnectsWhileHeld(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		ctx, leave := context.WithCancel(t.Context())
		done := make(chan reply, 1)
		go func() { done <- f.do(f.request(ctx, http.MethodPost, "/v1/chat/completions", chat)) }()
		synctest.Wait()
		w.check("held", f.held(), 1)
		leave()
		<-done
		synctest.Wait() // no time passes
		w.check("held after", f.held(), 0)
		w.check("bytes of requests", f.memory.Load(), int64(0))
		w.check("outcome", f.count("requests_total", "demo", "client_gone", "llama"), 1.0)
	})
}
