package history_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/history"
)

const (
	firstTokens = "vllm:time_to_first_token_seconds_count"
	waiting     = "vllm:num_requests_waiting"
)

// A pod answers with 1024 tokens to 2000 and counts what arrives from its start on.
type pod struct {
	service     string
	from, until time.Duration // until is exclusive
	arrived     func(time.Duration) float64
	missed      func(time.Duration) bool
}

func steadily(perSecond float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 { return math.Floor(perSecond * at.Seconds()) }
}

// scrape writes what Prometheus gets of a pod.
func (s *store) scrape(number string, interval time.Duration, p pod) {
	l := []string{"namespace", "demo", "isvc_name", p.service, "pod", number}
	for at := p.from + 3*time.Second; at < p.until; at += interval {
		if p.missed != nil && p.missed(at) {
			s.write(at, 0, "up", l...)
			for _, name := range []string{firstTokens, waiting} {
				s.write(at, stale(), name, l...)
			}
			continue
		}
		n := p.arrived(at - p.from)
		s.write(at, 1, "up", l...)
		s.write(at, n, firstTokens, l...)
		s.write(at, 0, waiting, l...)
		for name, tokens := range map[string]float64{"vllm:request_prompt_tokens": 2000, "vllm:request_generation_tokens": 1024} {
			s.write(at, n*tokens, name+"_sum", l...)
			for le, in := range map[string]bool{"1000.0": false, "2000.0": true, "5000.0": true, "+Inf": true} {
				v := 0.0
				if in {
					v = n
				}
				s.write(at, v, name+"_bucket", append(l, "le", le)...)
			}
		}
	}
}

func near(got, want, share float64) bool { return math.Abs(got-want) <= share*want }

// INV-3, INV-4. Whatever the interval, what was counted is read, over a restart too.
func TestRead(t *testing.T) {
	for _, interval := range []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute} {
		s := newStore(t)
		s.now = 6 * time.Hour
		s.scrape("a", interval, pod{service: "llama", until: s.now, arrived: steadily(2)})
		s.scrape("b", interval, pod{service: "llama", until: 3 * time.Hour, arrived: steadily(1)})
		s.scrape("b", interval, pod{service: "llama", from: 3 * time.Hour, until: s.now, arrived: steadily(3)})
		h, err := history.Read(t.Context(), s.dial(), "", 6*time.Hour)
		if err != nil {
			t.Errorf("%v: %v", interval, err)
			continue
		}
		checkRead(t, h, max(time.Minute, 2*interval))
		again, err := history.Read(t.Context(), s.dial(), "demo/llama", 6*time.Hour)
		if diff := cmp.Diff(h, again); diff != "" || err != nil {
			t.Errorf("%v: asked again: %v %s", interval, err, diff)
		}
	}
}

func checkRead(t *testing.T, h history.History, step time.Duration) {
	const want = 6*3600*2 + 3*3600*1 + 3*3600*3
	if !near(h.Requests(), want, .005) || h.Missing > 0 || h.Idle > 0 || h.Service != "demo/llama" || h.Step != step {
		t.Errorf("Read = %v, want %v requests in steps of %v", h, want, step)
	}
	if early, late := h.PerSecond[10], h.PerSecond[len(h.PerSecond)-10]; !near(early, 3, .03) || !near(late, 5, .03) {
		t.Errorf("%v: %v/s and then %v/s, want 3 and 5", step, early, late)
	}
	if !near(h.Input.Mean, 2000, 1e-3) || !near(h.Output.Mean, 1024, 1e-3) {
		t.Errorf("%v: lengths of %v and %v on average, want 2000 and 1024", step, h.Input.Mean, h.Output.Mean)
	}
}

// INV-4 in what is drawn: the mean, although the bucket reaches from 1000 to 2000.
func TestWorkload(t *testing.T) {
	s := newStore(t)
	s.now = 2 * time.Hour
	s.scrape("a", 15*time.Second, pod{service: "llama", until: s.now, arrived: steadily(2)})
	h, err := history.Read(t.Context(), s.dial(), "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w, err := h.Workload()
	if err != nil {
		t.Fatal(err)
	}
	n, in, out := 0.0, 0.0, 0.0
	for r := range w.All(1) {
		n, in, out = n+1, in+float64(r.Input), out+float64(r.Output)
	}
	if !near(n, 7200, .03) || !near(in/n, 2000, .01) || !near(out/n, 1024, .01) || w.Span != time.Hour {
		t.Errorf("%v requests of %v and %v tokens in %v, want 7200 of 2000 and 1024 in 1h", n, in/n, out/n, w.Span)
	}
	const want = "demo/llama, 1h until 2026-03-01 14:00 UTC"
	if w.Name != want {
		t.Errorf("Name = %q, want %q", w.Name, want)
	}
	wantLine := want + ", in steps of 1m: 7200 requests, 2.00/s on average, 2.00/s at most; 2000 tokens in and 1024 out on average"
	if diff := cmp.Diff(wantLine, h.String()); diff != "" {
		t.Error(diff)
	}
}

// INV-1: a month in steps of two minutes is more points than a server gives at once.
func TestLong(t *testing.T) {
	s := newStore(t)
	s.now = 31 * 24 * time.Hour
	s.scrape("a", time.Minute, pod{service: "llama", until: s.now, arrived: steadily(.5)})
	h, err := history.Read(t.Context(), s.dial(), "", s.now)
	if err != nil || !near(h.Requests(), .5*s.now.Seconds(), .001) || s.queries < 10 {
		t.Errorf("Read = %v, %v after %d queries", h, err, s.queries)
	}
}

func between(from, until time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return at >= from && at < until }
}

// INV-2.
func TestGaps(t *testing.T) {
	const interval, day = 15 * time.Second, 24 * time.Hour
	always := steadily(2)
	for _, c := range []struct {
		name                  string
		write                 func(*store)
		requests              float64
		before, missing, idle time.Duration
		refused               string
	}{
		{"half an hour of failed scrapes is filled", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: day, arrived: always, missed: between(6*time.Hour, 6*time.Hour+30*time.Minute)})
		}, 2 * day.Seconds(), 0, 30 * time.Minute, 0, ""},
		{"three hours are too much", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: day, arrived: always, missed: between(6*time.Hour, 9*time.Hour)})
		}, 0, 0, 0, 0, "demo/llama: no data for 3h"},
		{"the server itself was down", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: 6 * time.Hour, arrived: always})
			s.scrape("a", interval, pod{service: "llama", from: 9 * time.Hour, until: day, arrived: always})
		}, 0, 0, 0, 0, "demo/llama: no data for "},
		{"no pod is no request", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: 6 * time.Hour, arrived: always})
			s.stale("a", 6*time.Hour)
			s.scrape("b", interval, pod{service: "llama", from: 9 * time.Hour, until: day, arrived: always})
			s.others()
		}, 2 * 21 * 3600, 0, 0, 3 * time.Hour, ""},
		{"the service is new", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", from: 20 * time.Hour, until: day, arrived: always})
			s.others()
		}, 2 * 4 * 3600, 20 * time.Hour, 0, 0, ""},
		{"the service is gone", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: 4 * time.Hour, arrived: always})
			s.stale("a", 4*time.Hour)
			s.others()
		}, 2 * 4 * 3600, 0, 0, 20 * time.Hour, ""},
		{"scraping ends", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: day, arrived: always, missed: between(23*time.Hour, day)})
		}, 2 * day.Seconds(), 0, time.Hour, 0, ""},
		{"nothing arrives", func(s *store) {
			s.scrape("a", interval, pod{service: "llama", until: day, arrived: steadily(0)})
		}, 0, 0, 0, 0, "demo/llama: no request in the last 24h"},
		{"no service", func(s *store) { s.others() }, 0, 0, 0, 0, "no series of " + firstTokens},
	} {
		s := newStore(t)
		s.now = day
		c.write(s)
		h, err := history.Read(t.Context(), s.dial(), "", day)
		if c.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.refused) || len(hint.Of(err)) == 0 {
				t.Errorf("%s: Read = %v, %q, want %q with a hint", c.name, err, hint.Of(err), c.refused)
			}
			continue
		}
		minutes := func(a, b time.Duration) bool { return (a - b).Abs() <= 2*time.Minute }
		if err != nil || !near(h.Requests(), c.requests, .005) || !minutes(h.Before, c.before) || !minutes(h.Missing, c.missing) || !minutes(h.Idle, c.idle) {
			t.Errorf("%s: Read = %v, %v; want %v requests, before %v, missing %v, idle %v", c.name, h, err, c.requests, c.before, c.missing, c.idle)
		}
		if slices.ContainsFunc(h.PerSecond, math.IsNaN) {
			t.Errorf("%s: Read leaves steps open: %v", c.name, h.PerSecond)
		}
	}
}

// others are targets that are no vLLM.
func (s *store) others() {
	for at := time.Duration(0); at < s.now; at += 15 * time.Second {
		s.write(at, 1, "up", "job", "prometheus")
	}
}

// stale ends the series of a pod, as Prometheus does when its target is gone.
func (s *store) stale(number string, at time.Duration) {
	for _, name := range []string{"up", firstTokens, waiting} {
		s.write(at, stale(), name, "namespace", "demo", "isvc_name", "llama", "pod", number)
	}
}

func TestChoose(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	s.scrape("a", 15*time.Second, pod{service: "llama", until: s.now, arrived: steadily(2)})
	s.scrape("b", 15*time.Second, pod{service: "qwen", until: s.now, arrived: steadily(1)})
	if h, err := history.Read(t.Context(), s.dial(), "demo/qwen", time.Hour); err != nil || !near(h.Requests(), 3600, .02) {
		t.Errorf("Read(demo/qwen) = %v, %v", h, err)
	}
	for service, want := range map[string][2]string{
		"":          {"2 services were counted in the last 1h", "choose one by --service: demo/llama, demo/qwen"},
		"demo/lama": {`no series of the service "demo/lama" in the last 1h`, "--service is one of demo/llama, demo/qwen"},
	} {
		_, err := history.Read(t.Context(), s.dial(), service, time.Hour)
		if err == nil || err.Error() != want[0] || !slices.Equal(hint.Of(err), []string{want[1]}) {
			t.Errorf("Read(%q) = %v, %q, want %q", service, err, hint.Of(err), want)
		}
	}
}

func TestUnlabelled(t *testing.T) {
	bare := newStore(t)
	bare.write(0, 1, firstTokens, "pod", "a")
	bare.now = time.Minute
	if _, err := history.Read(t.Context(), bare.dial(), "", time.Hour); err == nil || !strings.Contains(err.Error(), "none with the labels namespace and isvc_name") {
		t.Errorf("Read without labels = %v", err)
	}
}

func TestWarningAndBounds(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	s.scrape("a", 15*time.Second, pod{service: "llama", until: s.now, arrived: steadily(2)})
	s.warning = "partial response"
	if h, err := history.Read(t.Context(), s.dial(), "", time.Hour); err != nil || h.Warning != s.warning {
		t.Errorf("Warning = %q, %v", h.Warning, err)
	}
	for _, last := range []time.Duration{0, time.Minute, 32 * 24 * time.Hour} {
		if _, err := history.Read(t.Context(), s.dial(), "", last); err == nil {
			t.Errorf("Read of %v succeeded", last)
		}
	}
}
