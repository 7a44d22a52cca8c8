package gateway

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/pulse"
)

// TestStuckGateway: a loop that hangs fails /healthz with its name; one that has nothing to
// do, and one that goes on, do not.
func TestStuckGateway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		f := w.front("gateway", func(c *Config) {
			c.Pulse = pulse.New(slog.New(slog.DiscardHandler))
			c.Tell = func(demand.Report) { <-release }
		})
		health := func() (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway:81/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := f.do(r)
			return got.status, got.body
		}
		f.Update([]Service{llama()})
		pause(t.Context(), 2*pulse.Limit)
		if status, said := health(); status != http.StatusOK {
			t.Errorf("idle: /healthz = %d %s, want 200", status, said)
		}
		held := f.start(chat)
		pause(t.Context(), pulse.Limit+time.Second)
		if status, said := health(); status != http.StatusInternalServerError || !strings.Contains(said, "reporting has not come to an end for 5m") {
			t.Errorf("stuck: /healthz = %d %s, want 500 and what is stuck", status, said)
		}
		close(release)
		<-held
		if status, said := health(); status != http.StatusOK {
			t.Errorf("afterwards: /healthz = %d %s, want 200", status, said)
		}
	})
}
