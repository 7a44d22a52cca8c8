package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"
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
			`{"id":"llama","object":"model","created":0,"owned_by":"flyball"}`,
			`"id":"llama-lora"`,
			`{"id":"mistral","object":"model","created":0,"owned_by":"flyball"}`,
		} {
			if got := get("", "/v1/models"); got.status != 200 || !strings.Contains(got.body, want) {
				t.Errorf("all: %v, want %s", got, want)
			}
		}
		if got := get("llama.demo", "/v1/models"); got.status != 200 || strings.Contains(got.body, "mistral") ||
			!strings.Contains(got.body, `"id":"llama-lora","object":"model","created":0,"owned_by":"demo/llama","status":"asleep"`) {
			t.Errorf("those of a sleeping service: %v", got)
		}
		w.check("those of one with a pod", get("awake", "/v1/models").body, "of the pod")
		w.check("one", get("", "/v1/models/llama").status, 200)
		w.check("none", get("", "/v1/models/gpt-4").status, 404)
		w.check("held", f.held(), 0)
	})
}

// TestG15_NotToldYet: a gateway that has just started answers 404 for nothing: what it is
// asked for may be there, and asleep.
func TestG15_NotToldYet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		asked, listed := f.start(chat), make(chan reply, 1)
		go func() { listed <- f.do(f.request(t.Context(), http.MethodGet, "/v1/models", "")) }()
		pause(t.Context(), 1200*time.Millisecond)
		f.Update([]Service{llama()})
		if got := <-listed; got.status != 200 || !strings.Contains(got.body, `"id":"llama"`) {
			t.Errorf("the list: %v, want the model that sleeps", got)
		}
		pause(t.Context(), time.Second)
		w.check("held", f.held(), 1)
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		w.check("then", (<-asked).body, "yes")
		w.check("and what there is not", f.post(`{"model":"gpt-4"}`).status, 404)

		blind := w.front("blind", nil)
		got := blind.post(chat)
		if got.status != 503 || got.header.Get("Retry-After") == "" || got.took != startTime {
			t.Errorf("one that is never told: %v, want 503 after %v", got, startTime)
		}
	})
}
