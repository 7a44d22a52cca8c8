package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowly answers whole after a second.
func slowly(rw http.ResponseWriter, r *http.Request) {
	if pause(r.Context(), time.Second) {
		says("yes")(rw, r)
	}
}

// TestHungPod: an engine that accepts and never answers, but is Ready, loses its share,
// and what it has not begun to answer goes to the others (INV-10).
func TestHungPod(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		hung, good := w.engine("hung", hangs), w.engine("good", slowly)
		f.Update([]Service{llama(hung, good)})
		var all []<-chan reply
		for range 20 {
			all = append(all, f.start(chat))
			pause(t.Context(), 10*time.Second)
		}
		for _, done := range all {
			if got := <-done; got.status != 200 || got.took > 90*time.Second {
				t.Errorf("%v, want 200 from the other pod", got)
			}
		}
		if n := hung.count(); n > 10 {
			t.Errorf("the hung pod got %d of 20", n)
		}
		if n := f.count("ejections_total", "demo", "llama"); n < 1 {
			t.Errorf("ejections = %v", n)
		}
		if !strings.Contains(f.lines(), `"pod":"hung","because":"no byte of an answer for`) {
			t.Errorf("log = %s", f.lines())
		}
	})
}

// TestHungPodAndHastyClients: clients that do not wait until the gateway is sure of it
// count as errors.
func TestHungPodAndHastyClients(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		hung, good := w.engine("hung", hangs), w.engine("good", slowly)
		f.Update([]Service{llama(hung, good)})
		failed := 0
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if f.do(f.request(ctx, http.MethodPost, "/v1/chat/completions", chat)).status != 200 {
				failed++
			}
			cancel()
			synctest.Wait()
		}
		if failed > 2*consecutive5xx {
			t.Errorf("%d of 60 failed", failed)
		}
	})
}

// TestErrorsEject: a pod that answers nothing but errors, quickly, does not draw the
// others' requests.
func TestErrorsEject(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		broken := w.engine("broken", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
		f.Update([]Service{llama(broken, w.engine("good", slowly))})
		failed := 0
		for range 100 {
			done := f.start(chat)
			if len(done) > 0 {
				failed++
			}
			pause(t.Context(), 100*time.Millisecond)
		}
		if failed != consecutive5xx {
			t.Errorf("%d of 100 failed within 10 s, want %d", failed, consecutive5xx)
		}
		pause(t.Context(), 2*time.Second)
	})
}

// TestEjectionHasAFloor: the last pod that may answer is never ejected, nor more than
// half of them (INV-10).
func TestEjectionHasAFloor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("only", hangs))})
		first := f.start(chat)
		pause(t.Context(), 10*time.Minute)
		w.check("ejections of an only pod", f.count("ejections_total", "demo", "llama"), 0.0)

		broken := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
		f.Update([]Service{llama(w.engine("a", broken), w.engine("b", broken), w.engine("c", broken), w.engine("d", broken))})
		for range 100 {
			f.post(chat)
		}
		w.check("ejections of four", f.count("ejections_total", "demo", "llama"), 2.0)
		f.Update(nil)
		f.sigterm()
		<-first
	})
}

// TestEjectionEnds: after a while one request is a pod's trial; if it is answered the pod
// has its share again, else it is ejected for longer.
func TestEjectionEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		heals := make(chan struct{})
		sick := w.engine("sick", func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-heals:
				slowly(rw, r)
			default:
				rw.WriteHeader(http.StatusInternalServerError)
			}
		})
		f.Update([]Service{llama(sick, w.engine("good", slowly))})
		ask := func(n int) {
			for range n {
				f.start(chat)
				pause(t.Context(), time.Second)
			}
		}
		ask(20)
		w.check("before its time is over", sick.count(), consecutive5xx)
		ask(30)
		w.check("one trial", sick.count(), consecutive5xx+1)
		ask(40)
		w.check("still ejected, for longer", sick.count(), consecutive5xx+1)
		close(heals)
		ask(60)
		if n := sick.count(); n < consecutive5xx+10 {
			t.Errorf("the pod that is well again got %d", n-consecutive5xx-1)
		}
		pause(t.Context(), 2*time.Second)
	})
}
