package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// TestCrashIsTold: a panic of the gateway's own ends one request, is logged as an error
// with what has panicked, and is not counted as the client's.
func TestCrashIsTold(t *testing.T) {
	for _, client := range []string{"HTTP/1.1", "HTTP/2"} {
		inWorld(t, func(t *testing.T, w *world) {
			f := w.front("gateway", nil)
			f.Update([]Service{llama(w.engine("pod", says("yes")))})
			broken := f.directory.Load().byKey["demo/llama"]
			whole := broken.wholeTime
			broken.told.Store(nil) // of which target reads
			do := w.client.Do
			if client == "HTTP/2" {
				do = w.http2().Do
			}
			answer, err := do(f.request(t.Context(), http.MethodPost, "/v1/chat/completions", chat))
			if err == nil {
				_ = answer.Body.Close()
				t.Errorf("%s: the crash is answered with %d", client, answer.StatusCode)
			}
			synctest.Wait()
			told := llama(w.engine("pod-2", says("yes")))
			broken.told.Store(&told)
			broken.wholeTime = whole
			w.check(client+": crashed", f.count("requests_total", "demo", "crashed", "llama"), 1.0)
			if !strings.Contains(f.lines(), `"level":"ERROR"`) || !strings.Contains(f.lines(), "panic serving") || !strings.Contains(f.lines(), "nil pointer") {
				t.Errorf("%s: log = %s, want the panic as an error", client, f.lines())
			}
			w.check(client+": and on it goes", f.post(chat).status, 200)
		})
	}
}
