package lab

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/rehearse"
)

// TestRehearsalLoad sends through the proxy, which alone knows the endpoint's name.
func TestRehearsalLoad(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.String()
		http.Error(w, "not today", http.StatusServiceUnavailable)
	}))
	defer proxy.Close()
	stop, err := rehearsalLoad(proxy.URL)(t.Context(), rehearse.Load{
		Endpoint: "http://llama.demo.svc.cluster.local/v1", Model: "m", PerSecond: 0.001, PromptTokens: 3, OutputTokens: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := <-asked, "http://llama.demo.svc.cluster.local/v1/chat/completions"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	proxy.Close() // waits until the answer is out
	got := stop(true)
	if got.FirstError != "" && !strings.Contains(got.FirstError, "503") {
		t.Errorf("first error %q, want the status", got.FirstError)
	}
	got.FirstError = ""
	if got.Failed+got.Aborted != 1 {
		t.Errorf("counts = %+v, want the one request failed, or aborted by the stop", got)
	}
	got.Failed, got.Aborted = 0, 0
	if diff := cmp.Diff(rehearse.Counts{Sent: 1}, got); diff != "" {
		t.Errorf("counts: -want +got\n%s", diff)
	}
	if _, err := rehearsalLoad("")(t.Context(), rehearse.Load{Endpoint: "llama"}); err == nil {
		t.Error("a load without a scheme was started")
	}
}
