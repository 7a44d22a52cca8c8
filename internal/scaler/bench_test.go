package scaler

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

// BenchmarkAnswers is GetMetrics at 800 calls/s, whatever the answers before take, on one
// connection with mutual TLS, with a stream of each object open. Each second as many goroutines
// as there are CPUs compute for .4 s, as a tick does, and one answer of a hundred changes. p99-ms
// is from when a call is due. It takes -benchtime 10s; with -cpu there may be more threads than CPUs.
func BenchmarkAnswers(b *testing.B) {
	for _, objects := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("%d streams", objects), func(b *testing.B) { benchmarkAnswers(b, objects) })
	}
}

func benchmarkAnswers(b *testing.B, objects int) {
	const rate = 800
	book := newNotes()
	for i := range objects {
		put(book, i, 12)
	}
	a := newAuthority(b)
	_, address, _ := loopback(b, a, book)
	keda := connect(b, address, a, a.pair(b, config.KEDAName))
	for i := range objects {
		stream, err := keda.StreamIsActive(b.Context(), spread(i), grpc.WaitForReady(true))
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
	defer calls.Wait()
	due := time.Now()
	for i := 0; b.Loop(); i++ {
		if i%rate == 0 {
			calls.Go(func() { ticked(book, objects, i/rate) })
		}
		due = due.Add(time.Second / rate)
		<-time.After(time.Until(due))
		calls.Go(func() {
			request := metric("")
			request.ScaledObjectRef = spread(i % objects)
			if _, err := keda.GetMetrics(b.Context(), request); err != nil {
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

// ticked is what a tick does beside the answers: it computes, and now and then there is another one.
func ticked(book *notes, objects, tick int) {
	var compute sync.WaitGroup
	var at atomic.Int64
	until := time.Now().Add(400 * time.Millisecond)
	for range runtime.NumCPU() {
		compute.Go(func() {
			for text := make([]byte, 1<<18); time.Now().Before(until); {
				sha256.Sum256(text)
				if i := tick%100 + 100*int(at.Add(1)); i < objects {
					put(book, i, 12+tick%2)
				}
			}
		})
	}
	compute.Wait()
}

// spread is an object of one of ten namespaces, each of which may make so many calls.
func spread(i int) *externalscaler.ScaledObjectRef {
	one := ref(fmt.Sprintf("s%d", i))
	one.Namespace = fmt.Sprintf("team-%d", i%10)
	return one
}

func put(book *notes, i, replicas int) {
	one := spread(i)
	book.decide(one.Namespace+"/"+one.Name, replicas, 11)
}
