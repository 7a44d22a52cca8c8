package gateway

import (
	"strings"
	"testing"
	"time"
)

// TestG8_HoldExpires: 503 where no pod came, 429 where they are too busy.
func TestG8_HoldExpires(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama()})
		got := f.post(chat)
		w.check("status", got.status, 503)
		w.check("after", got.took, time.Minute)
		if got.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}

		waits := llama()
		waits.Starting, waits.Hindered = 4, "4 pods without a node: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
		f.Update([]Service{waits})
		if got := <-f.startByHost(); got.status != 503 || !strings.Contains(got.body, waits.Hindered) {
			t.Errorf("while pods wait for a node: %v, want 503 with the cause", got)
		}

		f.Update([]Service{llama()})
		f.start(chat)
		f.start(chat)
		third := f.start(chat)
		f.Update([]Service{llama(w.engine("hung", hangs))}) // takes two, and says nothing
		w.check("held", f.held(), 1)
		got = <-third
		w.check("status with a pod", got.status, 429)
		w.check("after", got.took, time.Minute)
	})
}
