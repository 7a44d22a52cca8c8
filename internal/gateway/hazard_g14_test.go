package gateway

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestG14_StaleEndpoint: a pod that says 503 is passed over while there is another; one
// that stops being ready gets nothing new, and ends what it has (INV-3, INV-5).
func TestG14_StaleEndpoint(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		stopping := w.engine("stopping", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
		good := w.engine("good", says("yes"))
		f.Update([]Service{llama(stopping, good)})
		for range 20 {
			w.check("status", f.post(chat).status, 200)
		}
		if stopping.count() == 0 {
			t.Error("the stopping pod was never tried")
		}
		f.Update([]Service{llama(stopping)})
		w.check("without another", f.post(chat).status, 503)

		leaving := w.engine("leaving", streams(10))
		f.Update([]Service{llama(leaving)})
		stream := f.start(chat)
		f.Update([]Service{llama()}) // readiness flaps
		held := f.start(chat)
		pause(t.Context(), 2*time.Second)
		w.check("held", f.held(), 1)
		w.check("its requests are still seen", f.count("pod_in_flight_requests", "demo", "leaving", "llama"), 1.0)
		w.check("new ones at it", leaving.count(), 1)
		f.Update([]Service{llama(good)})
		w.check("held one", (<-held).body, "yes")
		if got := <-stream; got.err != nil || got.took != 10*time.Second {
			t.Errorf("its stream: %v", got)
		}
		synctest.Wait()
		w.check("then it is forgotten", f.count("pod_in_flight_requests", "demo", "leaving", "llama"), 0.0)
	})
}

// TestG14_AllOverloaded: where every pod says 503, a request is not one at each.
func TestG14_AllOverloaded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		var pods []*engine
		for i := range 10 {
			pods = append(pods, w.engine(fmt.Sprint("pod-", i), func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) }))
		}
		f.Update([]Service{llama(pods...)})
		w.check("status", f.post(chat).status, 503)
		asked := 0
		for _, p := range pods {
			asked += p.count()
		}
		w.check("pods that were asked", asked, mostSent)
	})
}
