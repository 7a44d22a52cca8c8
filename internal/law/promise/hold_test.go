package promise

import (
	"testing"
	"time"
)

func TestHold(t *testing.T) {
	var h Hold
	desired := 8
	for at := time.Duration(0); at <= 4*time.Minute; at += 5 * time.Second {
		n := 5
		if at == time.Minute {
			n = 6
		}
		h, desired = h.want(at, n, desired, 2*time.Minute)
		want := 8
		switch {
		case at >= 4*time.Minute+5*time.Second:
			want = 5
		case at >= 2*time.Minute:
			want = 6
		}
		if desired != want {
			t.Errorf("at %v: %d replicas, want %d", at, desired, want)
		}
	}
	if _, n := h.want(4*time.Minute+5*time.Second, 5, 6, 2*time.Minute); n != 5 {
		t.Errorf("a start and a drain later: %d replicas, want 5", n)
	}
}

// More are wanted in between: it counts from the beginning.
func TestHoldBeginsAgain(t *testing.T) {
	h, n := Hold{}.want(0, 5, 8, time.Minute)
	h, n = h.want(50*time.Second, 8, n, time.Minute)
	h, n = h.want(55*time.Second, 5, n, time.Minute)
	if _, n = h.want(65*time.Second, 5, n, time.Minute); n != 8 {
		t.Errorf("%d replicas, want 8", n)
	}
}

// The HPA looks every 15 s by default, and a tick is 5 s: what may go is said until it has
// gone, and from then on it counts from the start.
func TestHoldIsSaidUntilFollowed(t *testing.T) {
	var h Hold
	var n int
	for at := time.Duration(0); at < time.Minute; at += 5 * time.Second {
		if h, n = h.want(at, 5, 8, time.Minute); n != 8 {
			t.Errorf("at %v: %d replicas, want 8", at, n)
		}
	}
	for at := time.Minute; at < 80*time.Second; at += 5 * time.Second {
		if h, n = h.want(at, 4, 8, time.Minute); n != 5 {
			t.Errorf("at %v: %d replicas, want 5 until there are", at, n)
		}
	}
	if h, n = h.want(80*time.Second, 4, 5, time.Minute); n != 5 {
		t.Errorf("as soon as there are 5: %d replicas, want 5", n)
	}
	if _, n = h.want(140*time.Second, 4, 5, time.Minute); n != 4 {
		t.Errorf("a start and a drain later: %d replicas, want 4", n)
	}
}
