package scaler

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/flyball-dev/flyball/config"
)

// BenchmarkAnswers is GetMetrics at 800 calls/s, whatever the answers before take, on one
// connection with mutual TLS, as 4,000 objects with a stream each make it. p99-ms is from when
// a call is due.
func BenchmarkAnswers(b *testing.B) {
	const objects, rate = 4000, 800
	book := newNotes()
	at := time.Now()
	for i := range objects {
		book.answers[fmt.Sprintf("demo/s%d", i)] = func() (Answer, error) {
			return Answer{Replicas: 12, At: at, Current: 11, Tolerance: .1}, nil
		}
	}
	a := newAuthority(b)
	_, address, _ := loopback(b, a, book)
	keda := connect(b, address, a, a.pair(b, config.KEDAName))
	for i := range objects {
		stream, err := keda.StreamIsActive(b.Context(), ref(fmt.Sprintf("s%d", i)), grpc.WaitForReady(true))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			b.Fatal(err)
		}
	}
	var mu sync.Mutex
	var took []time.Duration
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		due := <-tick.C
		calls.Go(func() {
			if _, err := keda.GetMetrics(b.Context(), metric(fmt.Sprintf("s%d", i%objects))); err != nil {
				b.Errorf("GetMetrics: %v", err)
			}
			d := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
		})
	}
	calls.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
