package gateway

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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

// TestControllerKnowsMore: a gateway learns from the answer to its report that nothing will
// come, answers what it holds at once with the cause, and goes on asking.
func TestControllerKnowsMore(t *testing.T) {
	const why = "http://evil:9090 is not one of the servers that may be asked"
	inWorld(t, func(t *testing.T, w *world) {
		stuck := true
		e := w.engine("controller", func(rw http.ResponseWriter, r *http.Request) {
			var report demand.Report
			if err := json.NewDecoder(r.Body).Decode(&report); err != nil || !stuck || len(report.Services) == 0 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			_ = json.NewEncoder(rw).Encode(demand.Answer{Stuck: []demand.Stuck{{Namespace: "demo", Name: "llama", Why: why}, {Namespace: "demo", Name: "gone", Why: why}}})
		})
		teller := &Teller{
			Replicas: func() []string { return []string{"http://" + e.Address} },
			Token:    func() (string, error) { return "secret", nil }, Client: w.client, Log: slog.New(slog.DiscardHandler),
		}
		f := w.front("gateway", func(c *Config) { c.Tell = teller.Tell })
		teller.Hear = f.Hear
		f.Update([]Service{llama()})
		for range 2 {
			if got := <-f.startByHost(); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, why) || got.took > time.Second {
				t.Errorf("a request that is held: %v, want 503 at once, with the cause", got)
			}
		}
		synctest.Wait()
		stuck = false
		held := f.start(chat)
		pause(t.Context(), 5*time.Second)
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		w.check("once it is put right", (<-held).status, 200)
		f.sigterm()
		w.check("Run", <-f.returned, nil)
		teller.Wait() // nothing is told any more
	})
}
