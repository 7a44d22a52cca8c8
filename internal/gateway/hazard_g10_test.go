package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestG10_UpstreamDiesMidStream: the client sees that the stream is cut, gets no
// [DONE], and no second pod has the request (INV-3, INV-4).
func TestG10_UpstreamDiesMidStream(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		dies := func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprint(rw, "data: 0\n\n")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}
		a, b := w.engine("a", dies), w.engine("b", dies)
		f.Update([]Service{llama(a, b)})
		got := f.post(chat)
		if got.err == nil || got.body != "data: 0\n\n" || strings.Contains(got.body, "[DONE]") {
			t.Errorf("got %v, want the first event and an error", got)
		}
		w.check("attempts", a.count()+b.count(), 1)
		w.check("outcome", f.count("requests_total", "demo", "cut", "llama"), 1.0)
	})
}
