package admit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestQueue is the worked example: a service sleeps, four clients come, two can
// be held, the pod takes one, and time ends the other.
func TestQueue(t *testing.T) {
	q, err := New(Config{Service: Budget{Bytes: 100, Requests: 2}, Total: Budget{Bytes: 150, Requests: 3}, TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Verdict{Held, ServiceBytes, Held, ServiceRequests} {
		r := Request{ID: ID(i), Service: "a", Bytes: []int64{60, 41, 40, 0}[i]}
		if got := q.Offer(time.Duration(i)*time.Second, r); got != want {
			t.Errorf("Offer(%+v) = %v, want %v", r, got, want)
		}
	}
	if got, want := q.Held("a"), (Load{Requests: 2, Bytes: 100}); got != want {
		t.Errorf("Held = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]ID{0}, q.Release(30*time.Second, "a", 1)); diff != "" {
		t.Errorf("Release (-want +got)\n%s", diff)
	}
	if got, want := q.Next(), 62*time.Second; got != want {
		t.Errorf("Next = %v, want %v", got, want)
	}
	if diff := cmp.Diff([]ID{2}, q.Tick(62*time.Second)); diff != "" {
		t.Errorf("Tick (-want +got)\n%s", diff)
	}
}

func TestRoom(t *testing.T) {
	if got, want := Room(8, []int{0, 3, 9}), 13; got != want {
		t.Errorf("Room = %d, want %d", got, want)
	}
}
