package scaler

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

// INV-8: TestChangesWakeTheirOwnStreams: while 100 others change, nothing is looked up for the
// stream of one that does not; and its own change is told at once.
func TestChangesWakeTheirOwnStreams(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Server, b *notes, keda externalscaler.ExternalScalerClient, _ func()) {
		var looks atomic.Int32
		b.put("demo/quiet", func() (Answer, error) { looks.Add(1); return Answer{Replicas: 0, At: time.Now()}, nil })
		r := listen(t, keda, "quiet")
		if _, err := r.take(); err != nil || looks.Load() != 1 {
			t.Fatalf("looked up %d times, %v, want once when the stream begins", looks.Load(), err)
		}
		for i := range 100 {
			b.decide(fmt.Sprintf("demo/s%d", i), i, 1)
		}
		if _, err := r.take(); err != nil || looks.Load() != 1 {
			t.Errorf("looked up %d times, %v, want once: only others have changed", looks.Load(), err)
		}
		b.decide("demo/quiet", 1, 0)
		if said, err := r.take(); err != nil || len(said) != 1 || said[0] != 0 {
			t.Errorf("woken: told at %v, %v, want at once", said, err)
		}
	})
}
