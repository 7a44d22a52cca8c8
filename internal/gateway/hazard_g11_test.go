package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// TestG11_HerdOnFirstPod: the first pod gets as many as it is meant to serve, and one
// more for each that it begins to answer; new ones wait behind the held.
func TestG11_HerdOnFirstPod(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) {
			c.Hold.Service = admit.Budget{Bytes: 4 << 20, Requests: 100}
			c.Hold.Total = c.Hold.Service
			c.Limits.RequestsBytes = 8 << 20
		})
		f.Update([]Service{llama()})
		streamed := strings.Replace(chat, "{", `{"stream":true,`, 1)
		var all []<-chan reply
		for range 20 {
			all = append(all, f.start(streamed))
		}
		speak := make(chan bool)
		pod := w.engine("pod", func(rw http.ResponseWriter, r *http.Request) {
			<-speak
			_ = http.NewResponseController(rw).Flush()
			says("yes")(rw, r)
		})
		f.Update([]Service{llama(pod)}) // its target is 2
		synctest.Wait()
		w.check("at the pod", pod.count(), 2)
		late := f.start(streamed)
		w.check("a new one waits", f.held(), 19)
		speak <- true
		synctest.Wait()
		w.check("after a first byte", pod.count(), 3)

		second := w.engine("second", says("yes"))
		f.Update([]Service{llama(pod, second)})
		synctest.Wait()
		w.check("held once another has capacity to spare", f.held(), 0)
		close(speak)
		for _, done := range append(all, late) {
			w.check("status", (<-done).status, 200)
		}
		if n := pod.count(); n > 5 {
			t.Errorf("the first pod got %d", n)
		}
		pause(t.Context(), time.Second)
	})
}
