package gateway

import (
	"testing"
	"time"
)

// TestG1_CrashWithHeldRequests: clients of a gateway that crashes see it, another
// gateway's are none the worse.
func TestG1_CrashWithHeldRequests(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		crashes, stays := w.front("crashes", nil), w.front("stays", nil)
		crashes.Update([]Service{llama()})
		stays.Update([]Service{llama()})
		lost, kept := crashes.start(chat), stays.start(chat)
		w.check("held there", crashes.last().Held, 1)
		w.check("held here", stays.last().Held, 1)

		crashes.crash()
		if got := <-lost; got.err == nil {
			t.Errorf("client of the crashed gateway: %v, want an error", got)
		}
		pause(t.Context(), 5*time.Second)
		w.check("still held here", stays.last().Held, 1)
		stays.Update([]Service{llama(w.engine("pod", says("yes")))})
		w.check("answer", (<-kept).body, "yes")
	})
}

// crash closes all connections as the end of the process does.
func (f *front) crash() {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	for _, c := range f.w.conns[f.name+":80"] {
		_ = c.Close()
	}
}
