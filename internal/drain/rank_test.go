package drain

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCost(t *testing.T) {
	for _, test := range []struct {
		pod  Pod
		want int32
	}{
		{Pod{Measured: true, InFlight: 3, WorkTokens: 900, Remaining: 6 * time.Second, PrefixTokens: 5000}, 165517},
		{Pod{Measured: true}, 0},
		{Pod{Measured: true, InFlight: 1}, 1 << 14},
		{Pod{Measured: true, InFlight: -1, WorkTokens: -1, Remaining: -1, PrefixTokens: -1}, 0},
		{Pod{}, Unmeasured},
		{Pod{Measured: true, WorkTokens: math.MaxInt64, Remaining: math.MaxInt64, PrefixTokens: math.MaxInt64},
			63<<14 | 44<<7 | 63}, // 292 years in milliseconds are 44 bits
	} {
		if got := test.pod.Cost(); got != test.want {
			t.Errorf("%+v costs %d, want %d", test.pod, got, test.want)
		}
	}
}

// TestRank: each pod differs from the next in the first thing that counts (INV-1,
// INV-2).
func TestRank(t *testing.T) {
	inOrder := []Pod{
		{Name: "idle-a", Measured: true},
		{Name: "idle-b", Measured: true},
		{Name: "idle-with-cache", Measured: true, PrefixTokens: 1 << 40},
		{Name: "one-request", Measured: true, InFlight: 1, Remaining: time.Hour, PrefixTokens: 9000},
		{Name: "ends-soon", Measured: true, InFlight: 9, WorkTokens: 4000, Remaining: 2 * time.Second, PrefixTokens: 9000},
		{Name: "little-cache", Measured: true, InFlight: 2, WorkTokens: 3000, Remaining: 9 * time.Second, PrefixTokens: 100},
		{Name: "much-cache", Measured: true, InFlight: 2, WorkTokens: 3000, Remaining: 9 * time.Second, PrefixTokens: 9000},
		{Name: "much-work", Measured: true, InFlight: 2, WorkTokens: 5000, Remaining: time.Second},
		{Name: "unknown"},
	}
	for shift := range inOrder {
		mixed := append(append([]Pod{}, inOrder[shift:]...), inOrder[:shift]...)
		if diff := cmp.Diff(inOrder, Rank(mixed)); diff != "" {
			t.Errorf("Rank, shifted by %d (-want +got)\n%s", shift, diff)
		}
	}
	if got := Rank(nil); len(got) > 0 {
		t.Errorf("Rank(nil) = %v", got)
	}
}

// TestCostIsCalm: work that wavers by a third around 6000 tokens writes nothing
// (INV-3).
func TestCostIsCalm(t *testing.T) {
	calm := Pod{Measured: true, WorkTokens: 6000}.Cost()
	for work := int64(4100); work < 8000; work += 100 {
		if got := (Pod{Measured: true, WorkTokens: work}).Cost(); got != calm {
			t.Errorf("%d tokens cost %d, want %d", work, got, calm)
		}
	}
}
