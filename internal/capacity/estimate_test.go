package capacity

import (
	"math"
	"testing"
	"time"
)

// The less an objective leaves beyond what a token takes alone, 13.85 ms, the wider is what
// the formula's own error makes of a capacity.
func TestTolerance(t *testing.T) {
	for _, c := range []struct {
		tpot time.Duration
		want float64
	}{{100 * time.Millisecond, 0.051}, {55 * time.Millisecond, 0.053}, {28 * time.Millisecond, 0.07}, {15400 * time.Microsecond, 0.5}, {14 * time.Millisecond, 3}} {
		r := Replica{
			Costs{Step: 13.6e-3, Prompt: 51e-6, Sequence: 53e-6, Context: 43e-9}, Mix{Prompt: 4000, Spread: 1, Output: 1000, Context: 4500},
			Limits{TTFT: 3 * time.Second, TPOT: c.tpot, CacheTokens: 1e9, BatchTokens: 8192},
		}
		if got := r.tolerance(); math.Abs(got-c.want) > 0.1*c.want {
			t.Errorf("TPOT %v: %.3f, want %.3f", c.tpot, got, c.want)
		}
	}
}
