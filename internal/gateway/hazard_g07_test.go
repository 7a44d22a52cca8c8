package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/gateway/tenant"
)

// TestG7_QueueFull: the one too many is told so at once, and when to come again; other
// services have room (INV-2).
func TestG7_QueueFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		b := llama()
		b.Name, b.Models, b.Hosts = "b", []string{"b"}, nil
		f.Update([]Service{llama(), b})
		for range 5 {
			f.start(chat)
		}
		got := f.post(chat)
		if got.status != 429 || got.header.Get("Retry-After") == "" || got.took != 0 || !strings.Contains(got.body, `"code":"queue_full"`) {
			t.Errorf("the sixth: %v, want 429 at once", got)
		}
		for range 3 {
			f.start(`{"model":"b"}`)
		}
		w.check("the total is full", f.post(`{"model":"b"}`).status, 429)
		w.check("held", f.held(), 5)
		f.Update(nil)
		synctest.Wait()
		w.check("unavailable", f.queue.Total().Requests, 0)
	})
}

// TestG7_ClientTakesItsShare: one client that sends as many requests as the gateway holds is
// told so, and others still find room (INV-2).
func TestG7_ClientTakesItsShare(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		keys := w.keys()
		f := w.front("gateway", func(c *Config) { keys(c) })
		s := llama()
		s.Namespace, s.Name = "a", "a"
		f.Update([]Service{s})
		ask := func(key string) <-chan reply {
			done := make(chan reply, 1)
			go func() {
				done <- f.asks(http.MethodPost, "/v1/chat/completions", "llama.demo", map[string]string{tenant.KeyHeader: key})
			}()
			synctest.Wait()
			return done
		}
		for range 3 { // of 5
			ask("of-a")
		}
		got := <-ask("of-a")
		if got.status != 429 || got.header.Get("Retry-After") == "" || got.took != 0 || !strings.Contains(got.body, `"code":"client_full"`) ||
			!strings.Contains(got.body, "The client \\\"of-a\\\" has") {
			t.Errorf("the fourth: %v, want 429 at once that names the client", got)
		}
		ask("of-all")
		w.check("held", f.queue.Total().Requests, 4)
		f.Update(nil)
		synctest.Wait()
	})
}

// TestG7_Wakes: services are woken so often within an hour, by a client and each, and a
// request that joins a wake is none. What is refused is told until when (INV-13).
func TestG7_Wakes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		keys := w.keys()
		f := w.front("gateway", func(c *Config) { keys(c); c.Wakes = Wakes{Service: 3, Client: 2} })
		var asleep []Service
		for _, name := range []string{"one", "two", "three"} {
			s := llama()
			s.Name, s.Models, s.Hosts = name, []string{name}, []string{name}
			asleep = append(asleep, s)
		}
		f.Update(asleep)
		ask := func(key, host string) <-chan reply {
			done := make(chan reply, 1)
			go func() {
				done <- f.asks(http.MethodPost, "/v1/chat/completions", host, map[string]string{tenant.KeyHeader: key})
			}()
			synctest.Wait()
			return done
		}
		refused := func(what string, got reply, after string) {
			t.Helper()
			if got.status != 429 || got.header.Get("Retry-After") != after || !strings.Contains(got.body, "--wakes-per-") {
				t.Errorf("%s: %v after %q, want 429 for %s s", what, got, got.header.Get("Retry-After"), after)
			}
		}
		ask("of-all", "one")
		ask("of-all", "one") // joins
		ask("of-all", "two")
		refused("a third by one client", <-ask("of-all", "three"), "1800")
		w.check("held", f.queue.Total().Requests, 3)
		f.Update(nil)
		f.Update(asleep)
		pause(t.Context(), 30*time.Minute)
		ask("of-all", "three")
		w.check("held half an hour later", f.queue.Total().Requests, 1)
		f.Update(nil)
		synctest.Wait()
	})
}

// TestG7_WakesOfAService: who may wake it does not matter, nor whether anybody is told apart.
func TestG7_WakesOfAService(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", func(c *Config) { c.Wakes = Wakes{Service: 2, Client: 1} })
		starting := llama()
		starting.Starting = 1
		for range 2 {
			f.Update([]Service{llama()})
			ctx, leave := context.WithCancel(t.Context())
			go f.do(f.request(ctx, http.MethodPost, "/v1/chat/completions", chat))
			synctest.Wait()
			w.check("held", f.held(), 1)
			f.Update([]Service{starting})
			leave()
			synctest.Wait()
		}
		held := f.start(chat)
		w.check("joins one that is on the way", f.held(), 1)
		f.Update([]Service{llama()})
		got := f.post(chat)
		if got.status != 429 || got.header.Get("Retry-After") != "1800" || !strings.Contains(got.body, `"code":"wake_limit"`) {
			t.Errorf("the third: %v, want 429 for half an hour", got)
		}
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		w.check("what is held", (<-held).status, 200)
		w.check("one that runs", f.post(chat).status, 200)
	})
}
