package admit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newQueue(t testing.TB, c Config) *Queue {
	t.Helper()
	q, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// small holds up to 100 bytes in 3 requests a service and 150 bytes in 4 in all.
func small() Config {
	return Config{Service: Budget{Bytes: 100, Requests: 3}, Total: Budget{Bytes: 150, Requests: 4}, TTL: time.Minute}
}

// TestWorkedExample: a service sleeps and five clients come. One body is too many
// bytes, one client leaves, the first pod takes two requests, and time ends the last.
func TestWorkedExample(t *testing.T) {
	q := newQueue(t, small())
	for i, step := range []struct {
		bytes int64
		want  Answer
	}{{60, Held}, {41, ServiceBytes}, {20, Held}, {20, Held}, {0, ServiceRequests}} {
		r := Request{ID: ID(i), Service: "a", Bytes: step.bytes, Tokens: step.bytes / 4}
		if got := q.Offer(time.Duration(i)*time.Second, r); got != step.want {
			t.Errorf("Offer(%+v) = %v, want %v", r, got, step.want)
		}
	}
	if got, want := q.Held("a"), (Load{Requests: 3, Bytes: 100, Tokens: 25}); got != want {
		t.Errorf("Held = %+v, want %+v", got, want)
	}
	if !q.Cancel(3) || q.Cancel(3) {
		t.Error("Cancel of a held request, then again: want true, then false")
	}
	if got := q.Offer(5*time.Second, Request{ID: 5, Service: "a", Bytes: 10}); got != Held {
		t.Errorf("Offer into the place of the cancelled = %v, want held", got)
	}
	want(t, "Release", q.Release(30*time.Second, "a", 2), 0, 2)
	if got, want := q.Next(), 65*time.Second; got != want {
		t.Errorf("Next = %v, want %v", got, want)
	}
	want(t, "Tick before", q.Tick(65*time.Second-1))
	want(t, "Tick", q.Tick(65*time.Second), 5)
	balance(t, q, map[Outcome]uint64{Refused: 2, Released: 2, Expired: 1, Cancelled: 1})
}

func want(t *testing.T, call string, got []ID, want ...ID) {
	t.Helper()
	if len(got)+len(want) > 0 && !cmp.Equal(got, want) {
		t.Errorf("%s = %v, want %v", call, got, want)
	}
}

// balance checks INV-1 on an empty queue.
func balance(t *testing.T, q *Queue, want map[Outcome]uint64) {
	t.Helper()
	got, sum := map[Outcome]uint64{}, uint64(0)
	for o := Refused; o < numOutcomes; o++ {
		if n := q.Ended(o); n > 0 {
			got[o] = n
			sum += n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got)\n%s", diff)
	}
	if sum != q.Offered() || q.Total() != (Load{}) || q.Next() != Never {
		t.Errorf("offered %d, ended %d, held %+v, next deadline %v", q.Offered(), sum, q.Total(), q.Next())
	}
}

// TestAnswers offers one request after two others that are held, and shows that
// bytes are looked at before counts and a service before the total (INV-2).
func TestAnswers(t *testing.T) {
	held := []Request{{ID: 1, Service: "a", Bytes: 90}, {ID: 2, Service: "b", Bytes: 50}}
	full := []Request{{ID: 1, Service: "a"}, {ID: 2, Service: "a"}, {ID: 3, Service: "a"}}
	spread := append([]Request{{ID: 4, Service: "b"}}, full[:2]...)
	spread = append(spread, Request{ID: 5, Service: "b"})
	for name, test := range map[string]struct {
		held []Request
		last Request
		want Answer
	}{
		"fits":                              {held, Request{ID: 9, Service: "a", Bytes: 10}, Held},
		"fits no queue":                     {nil, Request{ID: 9, Service: "a", Bytes: 101}, TooLarge},
		"fits the total, not the service":   {held[:1], Request{ID: 9, Service: "a", Bytes: 11}, ServiceBytes},
		"fits the service, not the total":   {held, Request{ID: 9, Service: "c", Bytes: 11}, TotalBytes},
		"service full":                      {full, Request{ID: 9, Service: "a"}, ServiceRequests},
		"service full, other service":       {full, Request{ID: 9, Service: "b"}, Held},
		"all full":                          {spread, Request{ID: 9, Service: "c"}, TotalRequests},
		"too many bytes for a full service": {full, Request{ID: 9, Service: "a", Bytes: 101}, TooLarge},
		"the same again":                    {held, held[0], Duplicate},
		"less than nothing is nothing":      {held, Request{ID: 9, Service: "b", Bytes: -1, Tokens: -1}, Held},
	} {
		q := newQueue(t, small())
		for _, r := range test.held {
			if got := q.Offer(0, r); got != Held {
				t.Fatalf("%s: Offer(%+v) = %v, want held", name, r, got)
			}
		}
		before := q.Total()
		if got := q.Offer(0, test.last); got != test.want {
			t.Errorf("%s: Offer(%+v) = %v, want %v", name, test.last, got, test.want)
		}
		if after := q.Total(); test.want != Held && after != before || after.Bytes < before.Bytes || after.Tokens < before.Tokens {
			t.Errorf("%s: held %+v after %+v", name, after, before)
		}
	}
}

// TestReleaseIsNoHerd: three pods' worth of requests go out as room appears, in
// order, and other services' requests stay (INV-3, INV-4).
func TestReleaseIsNoHerd(t *testing.T) {
	c := Config{Service: Budget{1000, 1000}, Total: Budget{2000, 2000}, TTL: time.Minute}
	q := newQueue(t, c)
	for i := range ID(10) {
		q.Offer(0, Request{ID: i, Service: "a"})
		q.Offer(0, Request{ID: 100 + i, Service: "b"})
	}
	want(t, "no room", q.Release(1, "a", 0))
	want(t, "negative room", q.Release(1, "a", -1))
	want(t, "unknown service", q.Release(1, "c", 5))
	want(t, "a pod", q.Release(1, "a", Room([]Pod{{4, 0}})), 0, 1, 2, 3)
	want(t, "two answered", q.Release(2, "a", Room([]Pod{{4, 2}})), 4, 5)
	want(t, "another pod", q.Release(3, "a", Room([]Pod{{4, 4}, {4, 0}})), 6, 7, 8, 9)
	if got, want := q.Held("b"), (Load{Requests: 10}); got != want {
		t.Errorf("Held(b) = %+v, want %+v", got, want)
	}
}

// TestReleaseAfterDeadline: what Tick has not ended yet is not released late, and
// does not stand in the way of the next (INV-5).
func TestReleaseAfterDeadline(t *testing.T) {
	q := newQueue(t, small())
	q.Offer(0, Request{ID: 1, Service: "a"})
	q.Offer(1, Request{ID: 2, Service: "a"})
	want(t, "Release", q.Release(time.Minute, "a", 5), 2)
	want(t, "Tick", q.Tick(time.Minute), 1)
	balance(t, q, map[Outcome]uint64{Released: 1, Expired: 1})
}

// TestGiveUp: a service that cannot wake lets all go at once, oldest first.
func TestGiveUp(t *testing.T) {
	q := newQueue(t, small())
	for i := range ID(3) {
		q.Offer(0, Request{ID: 3 - i, Service: "a", Bytes: 30})
	}
	q.Offer(0, Request{ID: 9, Service: "b", Bytes: 30})
	want(t, "GiveUp", q.GiveUp("a"), 3, 2, 1)
	want(t, "GiveUp again", q.GiveUp("a"))
	q.Cancel(9)
	balance(t, q, map[Outcome]uint64{GivenUp: 3, Cancelled: 1})
}

// TestIDAgain: an ID may come again once its request has ended (INV-6).
func TestIDAgain(t *testing.T) {
	q := newQueue(t, small())
	for range 3 {
		if got := q.Offer(0, Request{ID: 1, Service: "a", Bytes: 100}); got != Held {
			t.Errorf("Offer = %v, want held", got)
		}
		want(t, "Release", q.Release(0, "a", 1), 1)
	}
	if len(q.known)+len(q.lines) > 0 {
		t.Errorf("keeps %d requests and %d services", len(q.known), len(q.lines))
	}
}

// TestClock: a clock that runs backwards stands still, and one near its end does
// not wrap around (INV-5).
func TestClock(t *testing.T) {
	q := newQueue(t, small())
	q.Tick(time.Hour)
	q.Offer(0, Request{ID: 1, Service: "a"})
	if got, want := q.Next(), time.Hour+time.Minute; got != want {
		t.Errorf("Next = %v, want %v", got, want)
	}
	want(t, "Tick", q.Tick(Never-1), 1)
	q.Offer(Never-1, Request{ID: 2, Service: "a"})
	want(t, "Release", q.Release(Never-1, "a", 1), 2)
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // "" is valid
	}{
		"small":         {func(*Config) {}, ""},
		"no bytes":      {func(c *Config) { c.Service.Bytes = 0 }, "service budget is 0 bytes"},
		"no requests":   {func(c *Config) { c.Total.Requests = -1 }, "total budget is 150 bytes and -1 requests"},
		"bytes exceed":  {func(c *Config) { c.Service.Bytes = 151 }, "exceeds the total"},
		"counts exceed": {func(c *Config) { c.Service.Requests = 5 }, "exceeds the total"},
		"no time":       {func(c *Config) { c.TTL = 0 }, "TTL is 0s"},
	} {
		c := small()
		test.change(&c)
		_, err := New(c)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: New = %v, want %q", name, err, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for v := Answer(-1); v <= numAnswers; v++ {
		if s := v.String(); s == "" || seen[s] && s != "invalid" {
			t.Errorf("answer %d is %q", int(v), s)
		} else {
			seen[s] = true
		}
	}
	for o := Outcome(-1); o <= numOutcomes; o++ {
		if s := o.String(); s == "" || seen[s] && s != "invalid" {
			t.Errorf("outcome %d is %q", int(o), s)
		} else {
			seen[s] = true
		}
		if newQueue(t, small()).Ended(o) != 0 {
			t.Errorf("a new queue has ended %v", o)
		}
	}
}
