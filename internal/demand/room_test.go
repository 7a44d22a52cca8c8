package demand

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPart is the worked example of Part, and what it makes of nonsense.
func TestPart(t *testing.T) {
	whole := Room{"demo", "llama", 3 * time.Second, 68, 51 * time.Microsecond, 20 * time.Millisecond}
	for _, c := range []struct {
		share    float64
		requests int
		perToken time.Duration
	}{
		{0.25, 17, 204 * time.Microsecond}, {1, 68, 51 * time.Microsecond}, {7, 68, 51 * time.Microsecond},
		{0, 1, 3468 * time.Microsecond}, {-1, 1, 3468 * time.Microsecond}, {math.NaN(), 1, 3468 * time.Microsecond},
	} {
		want := whole
		want.Requests, want.PerToken = c.requests, c.perToken
		got := whole.Part(c.share)
		got.PerToken = got.PerToken.Round(time.Microsecond)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Part(%v): -want +got\n%s", c.share, diff)
		}
	}
	if got := (Room{Requests: -3, PerToken: math.MaxInt64}).Part(0.5); got.Requests != 1 || got.PerToken < 0 {
		t.Errorf("Part of nonsense = %+v", got)
	}
}

// INV-5: the shares of three gateways, of what they hold, have at pods and have got, are one, and
// so are their parts of a room; one that has fallen silent has none.
func TestShares(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	table, gateways := NewTable(start), []string{"a", "b", "c"}
	tell := func(at time.Time, gateway string, w Work, byPromise bool) {
		t.Helper()
		if _, err := table.Report(at, Report{Gateway: gateway, Services: []Item{{"demo", "llama", w, nil}}, ByPromise: byPromise}); err != nil {
			t.Fatal(err)
		}
	}
	if table.ByPromise(start) {
		t.Error("ByPromise of no gateway")
	}
	if got := table.Share(start, "a", llama); got != 1 {
		t.Errorf("Share of nothing = %v, want all", got)
	}
	tell(start, "a", Work{Held: 30, InFlight: 50}, true)
	tell(start, "b", Work{InFlight: 15, Arrivals: 4}, true)
	if !table.ByPromise(start) {
		t.Error("ByPromise = false, of two that are")
	}
	tell(start, "c", Work{Arrivals: 1}, false)
	if table.ByPromise(start) {
		t.Error("ByPromise = true, of three of which one is not")
	}
	sum, requests := 0.0, 0
	for _, g := range gateways {
		share := table.Share(start, g, llama)
		sum, requests = sum+share, requests+Room{Requests: 64}.Part(share).Requests
	}
	if math.Abs(sum-1) > 1e-12 || requests > 64+len(gateways) || requests < 64-len(gateways) {
		t.Errorf("shares are %v together, and %d of 64 requests", sum, requests)
	}
	later := start.Add(TTL)
	tell(later, "b", Work{InFlight: 1}, true)
	if got := table.Share(later, "b", llama); got != 1 || !table.ByPromise(later) {
		t.Errorf("Share of the only one that reports = %v, want all", got)
	}
}

// Of a room that is told nothing is lost, and a report without an order is as before there was one.
func TestRoomOnTheWire(t *testing.T) {
	const text = `{"rooms":[{"namespace":"demo","name":"llama","ttftNs":3000000000,"requests":68,"perTokenNs":51000,"restNs":20000000}]}`
	want := Answer{Rooms: []Room{{"demo", "llama", 3 * time.Second, 68, 51 * time.Microsecond, 20 * time.Millisecond}}}
	var got Answer
	if err := json.Unmarshal([]byte(text), &got); err != nil || !cmp.Equal(want, got) {
		t.Errorf("read as %+v, %v, want %+v", got, err, want)
	}
	if written, err := json.Marshal(want); err != nil || string(written) != text {
		t.Errorf("written as %s, %v, want %s", written, err, text)
	}
}
