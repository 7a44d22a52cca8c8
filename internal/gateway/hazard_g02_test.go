package gateway

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestG2_TerminationDrains: unready at once, listening for a delay, then only what was
// begun; all of it ends, within the bound (INV-9).
func TestG2_TerminationDrains(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		pod := w.engine("pod", streams(20))
		ready := func() int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway:81/readyz", nil)
			if err != nil {
				t.Fatal(err)
			}
			return f.do(r).status
		}
		w.check("ready before it knows a service", ready(), 503)
		f.Update([]Service{llama(pod)})
		w.check("ready", ready(), 200)

		stream := f.start(chat)
		f.sigterm()
		synctest.Wait()
		w.check("ready after SIGTERM", ready(), 503)
		late := f.start(chat)
		pause(t.Context(), 6*time.Second)
		w.check("after the delay", f.post(chat).status, 0)
		for _, got := range []reply{<-stream, <-late} {
			if got.status != 200 || got.err != nil || got.took != 20*time.Second {
				t.Errorf("begun before the end: %v", got)
			}
		}
	})
}

// TestG2_DrainIsBounded: held requests hear of it, an endless stream is cut visibly.
func TestG2_DrainIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		asleep := llama()
		asleep.Name, asleep.Models, asleep.Hosts = "asleep", []string{"asleep"}, nil
		f.Update([]Service{llama(w.engine("pod", streams(1000))), asleep})
		stream, held := f.start(chat), f.start(`{"model":"asleep"}`)
		began := time.Now()
		f.sigterm()
		if err := <-f.returned; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
			t.Errorf("stopped after %v, want 30 s", took)
		}
		if got := <-held; got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("held: %v", got)
		}
		if got := <-stream; got.err == nil {
			t.Errorf("stream: %v, want it cut", got)
		}
		reports, _ := f.heard()
		w.check("the last word", len(reports[len(reports)-1].Services), 0)
	})
}
