package record

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// BenchmarkWriters is a step of each of 1,000 services of two pods, with a Writer each, as a
// journal has them. What a Writer keeps between two steps is printed.
func BenchmarkWriters(b *testing.B) {
	const services = 1000
	world := lawtest.NewWorld(2)
	world.Rate = 3
	steps, _ := live(world, promised(2), decide.State{}, 60, rand.New(rand.NewPCG(1, 1)))
	writers := make([]*Writer, services)
	var scratch Scratch
	before := heap()
	for i := range writers {
		writers[i] = scratch.NewWriter(io.Discard)
	}
	n := 0
	tick := func() {
		for i, w := range writers {
			if err := w.Write(fmt.Sprint("demo/llama-", i), steps[n%len(steps)]); err != nil {
				b.Fatal(err)
			}
		}
		n++
	}
	for range steps {
		tick()
	}
	kept := (heap() - before) / services
	for b.Loop() {
		tick()
	}
	b.ReportMetric(kept, "B/writer")
	runtime.KeepAlive(writers)
}

// heap is how many bytes are in use.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what is pooled lives through the first
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
