package gateway

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// controllers hear reports; all but the good one are broken at first.
type controllers struct {
	w     *world
	mu    sync.Mutex
	down  bool
	heard map[string][]demand.Report
	log   front
}

// add starts one that hangs while it is down, or refuses.
func (c *controllers) add(name string, hangs bool) {
	e := c.w.engine(name, func(rw http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.down && name != "good" && hangs {
			c.mu.Unlock()
			<-r.Context().Done()
			c.mu.Lock()
			return
		}
		var report demand.Report
		if c.down && name != "good" || r.Header.Get("Authorization") != "Bearer secret" || json.NewDecoder(r.Body).Decode(&report) != nil {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		c.heard[name] = append(c.heard[name], report)
	})
	c.w.listeners[name+":9444"] = c.w.listeners[e.Address]
}

// held is what the last report to one says, and how many came.
func (c *controllers) held(name string) (held, reports int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.heard[name]
	if len(all) == 0 || len(all[len(all)-1].Services) == 0 {
		return 0, len(all)
	}
	return all[len(all)-1].Services[0].Held, len(all)
}

func (c *controllers) teller() *Teller {
	return &Teller{
		Replicas: func() []string {
			return []string{"http://good:9444/v1/demand", "http://hangs:9444/v1/demand", "http://refuses:9444/v1/demand", "http://gone:9444/v1/demand"}
		},
		Token: func() (string, error) { return "secret", nil }, Client: c.w.client,
		Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
}

// TestG12_ControllerUnreachable: one replica of the controller hangs, one refuses, one
// is not there, and one hears every report at once; those that come back hear the
// latest. None of them has to remember anything for longer than that.
func TestG12_ControllerUnreachable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := &controllers{w: w, down: true, heard: map[string][]demand.Report{}}
		c.add("good", false)
		c.add("hangs", true)
		c.add("refuses", false)
		teller := c.teller()
		f := w.front("gateway", func(config *Config) { config.Tell = teller.Tell })
		f.Update([]Service{llama()})
		f.start(chat) // no time passes until it has come to rest
		held, reports := c.held("good")
		w.check("held, at once", held, 1)
		w.check("reports", reports, 1)
		pause(t.Context(), 10*time.Second)
		if _, reports = c.held("good"); reports < 10 || reports > 12 {
			t.Errorf("%d reports in 10 s, want one a second", reports)
		}
		c.mu.Lock()
		c.down = false
		c.mu.Unlock()
		pause(t.Context(), 3*time.Second)
		for _, name := range []string{"hangs", "refuses"} {
			held, _ := c.held(name)
			w.check(name+", now back", held, 1)
		}
		f.Update(nil)
		f.sigterm()
		w.check("Run", <-f.returned, nil)
		teller.Wait()
		held, _ = c.held("good")
		w.check("held, by the last word", held, 0)
	})
}

// TestTellerWithoutToken sends nothing.
func TestTellerWithoutToken(t *testing.T) {
	var logged front
	teller := &Teller{
		Replicas: func() []string { return []string{"http://127.0.0.1:1/"} },
		Token:    func() (string, error) { return "", errors.New("no such file") },
		Client:   &http.Client{}, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	}
	teller.Tell(demand.Report{Gateway: "g"})
	teller.Wait()
	if logged.lines() == "" {
		t.Error("nothing logged")
	}
}
