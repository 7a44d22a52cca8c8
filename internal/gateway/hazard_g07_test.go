package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
)

// TestG7_QueueFull: the one too many is told so at once, and when to come again; other
// services have room (INV-2).
func TestG7_QueueFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		b := llama()
		b.Name, b.Models, b.Hosts = "b", []string{"b"}, nil
		f.Update([]Service{llama(), b})
		for range 5 {
			f.start(chat)
		}
		got := f.post(chat)
		if got.status != 429 || got.header.Get("Retry-After") == "" || got.took != 0 || !strings.Contains(got.body, `"code":"queue_full"`) {
			t.Errorf("the sixth: %v, want 429 at once", got)
		}
		for range 3 {
			f.start(`{"model":"b"}`)
		}
		w.check("the total is full", f.post(`{"model":"b"}`).status, 429)
		w.check("held", f.held(), 5)
		f.Update(nil)
		synctest.Wait()
		w.check("unavailable", f.queue.Total().Requests, 0)
	})
}
