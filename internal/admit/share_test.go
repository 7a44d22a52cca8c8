package admit

import (
	"testing"
	"time"
)

// TestFairShare: one client after another takes all that it gets, of the requests and of
// the bytes of a service and of all (INV-7).
func TestFairShare(t *testing.T) {
	for name, tc := range map[string]struct {
		service, total Budget
		bytes          int64
		services       []string
		answer         Answer
	}{
		"requests of a service": {Budget{1000, 12}, Budget{2000, 100}, 1, []string{"a"}, ClientRequests},
		"bytes of a service":    {Budget{1200, 100}, Budget{5000, 1000}, 100, []string{"a"}, ClientBytes},
		"requests of all":       {Budget{1000, 12}, Budget{2000, 12}, 1, []string{"a", "b", "c"}, ClientRequests},
		"bytes of all":          {Budget{1200, 100}, Budget{1200, 1000}, 100, []string{"a", "b", "c"}, ClientBytes},
	} {
		q := newQueue(t, Config{Service: tc.service, Total: tc.total, TTL: time.Minute})
		for _, c := range []struct {
			client string
			want   int
		}{{"first", 6}, {"second", 3}, {"third", 2}} {
			if got, answer := fill(q, c.client, tc.services, tc.bytes); got != c.want || answer != tc.answer {
				t.Errorf("%s: %s holds %d, then %v, want %d and %v", name, c.client, got, answer, c.want, tc.answer)
			}
		}
	}
}

// fill offers requests to one service after another until they are refused, and returns
// how many are held.
func fill(q *Queue, client string, services []string, bytes int64) (int, Answer) {
	for n := 0; ; n++ {
		r := Request{ID: ID(q.Offered()), Client: client, Service: services[n%len(services)], Bytes: bytes}
		if got := q.Offer(0, r); got != Held {
			return n, got
		}
	}
}

// TestNobodyHasNoShare: where clients are not told apart the whole budget is theirs.
func TestNobodyHasNoShare(t *testing.T) {
	q := newQueue(t, Config{Service: Budget{1000, 12}, Total: Budget{2000, 12}, TTL: time.Minute})
	if got, answer := fill(q, "", []string{"a"}, 1); got != 12 || answer != ServiceRequests {
		t.Errorf("holds %d, then %v, want 12 and %v", got, answer, ServiceRequests)
	}
}

// INV-8.
func TestWakes(t *testing.T) {
	w, err := NewWakes(4)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		at, wait time.Duration // minutes
		name     string
	}{
		{0, 0, "a"}, {0, 0, "a"}, {1, 0, "a"}, {1, 0, "a"}, {1, 14, "a"}, {1, 0, "b"},
		{15, 0, "a"}, {15, 15, "a"}, {40, 0, "a"}, {200, 0, "a"}, {200, 0, "a"}, {200, 0, "a"}, {200, 0, "a"}, {200, 15, "a"},
	} {
		now := step.at * time.Minute
		if got := w.Wait(now, step.name); got != step.wait*time.Minute {
			t.Errorf("%d: Wait(%v, %s) = %v, want %d min", i, now, step.name, got, step.wait)
		} else if got == 0 {
			w.Take(now, step.name)
		}
	}
	if w.Take(1000*time.Minute, "c"); len(w.due) != 1 {
		t.Errorf("keeps %d names, want one", len(w.due))
	}
	if _, err := NewWakes(0); err == nil {
		t.Error("NewWakes(0) is taken")
	}
}
