package capacity_test

import (
	"testing"
	"time"
)

// TestRoom is the worked example of Room, and what bounds it else.
func TestRoom(t *testing.T) {
	r := ramp()
	got := r.Room()
	if got.Sequences != 68 {
		t.Errorf("%d sequences, want 68: more would fill the cache", got.Sequences)
	}
	near(t, "PerToken", got.PerToken.Seconds(), 51e-6+(13.6e-3+68*246.5e-6)/8192, 1e-8)
	near(t, "Rest", got.Rest.Seconds(), 2*(13.6e-3+68*246.5e-6), 1e-4)
	r.Limits.CacheTokens = 1e9
	if got := r.Room(); got.Sequences != 168 {
		t.Errorf("%d sequences with any cache, want 168: more would come to 0.9·TPOT", got.Sequences)
	}
	r.Mix.Output = 1
	if got := r.Room(); got.Sequences != 222_222 {
		t.Errorf("%d sequences of one token, want 1e9/4500: they have no time per token", got.Sequences)
	}
	r = ramp()
	r.Limits.TPOT = time.Millisecond
	if got := r.Room(); got.Sequences != 1 {
		t.Errorf("%d sequences where none is within TPOT, want 1", got.Sequences)
	}
}
