package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestG15_SleepingModelIsListed: at zero a model is there, and asking for the list does
// not wake it.
func TestG15_SleepingModelIsListed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		awake := llama(w.engine("pod", says("of the pod")))
		awake.Name, awake.Models, awake.Hosts = "awake", []string{"mistral"}, []string{"awake"}
		f.Update([]Service{llama(), awake})
		get := func(host, path string) reply {
			r := f.request(t.Context(), http.MethodGet, path, "")
			if host != "" {
				r.Host = host
			}
			return f.do(r)
		}
		for _, want := range []string{
			`{"id":"llama","object":"model","created":0,"owned_by":"demo/llama","status":"asleep"}`,
			`"id":"llama-lora"`,
			`{"id":"mistral","object":"model","created":0,"owned_by":"demo/awake","status":"ready"}`,
		} {
			if got := get("", "/v1/models"); got.status != 200 || !strings.Contains(got.body, want) {
				t.Errorf("all: %v, want %s", got, want)
			}
		}
		if got := get("llama.demo", "/v1/models"); got.status != 200 || strings.Contains(got.body, "mistral") || !strings.Contains(got.body, "llama-lora") {
			t.Errorf("those of a sleeping service: %v", got)
		}
		w.check("those of one with a pod", get("awake", "/v1/models").body, "of the pod")
		w.check("one", get("", "/v1/models/llama").status, 200)
		w.check("none", get("", "/v1/models/gpt-4").status, 404)
		w.check("held", f.held(), 0)
	})
}
