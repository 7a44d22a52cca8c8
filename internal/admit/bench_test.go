package admit

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

const manyHeld = 10000

// full is a queue with 10,000 requests held for 10 services, and their names.
func full(b *testing.B) (*Queue, []string) {
	b.Helper()
	budget := Budget{Bytes: 1 << 40, Requests: 2 * manyHeld}
	q := newQueue(b, Config{Service: budget, Total: budget, TTL: time.Hour})
	var services []string
	for i := range 10 {
		services = append(services, "service-"+strconv.Itoa(i))
	}
	for i := range ID(manyHeld) {
		q.Offer(0, Request{ID: i, Service: services[i%10], Bytes: 4096, Tokens: 1000})
	}
	if q.Total().Requests != manyHeld {
		b.Fatalf("held %+v", q.Total())
	}
	return q, services
}

// BenchmarkOfferRelease is one request in and the oldest out, 10,000 held.
func BenchmarkOfferRelease(b *testing.B) {
	q, services := full(b)
	id := ID(manyHeld)
	for b.Loop() {
		service := services[id%10]
		q.Offer(0, Request{ID: id, Service: service, Bytes: 4096, Tokens: 1000})
		q.Release(0, service, 1)
		id++
	}
}

// BenchmarkOfferReleaseByPromise is one request in and the next by promise out, 10,000 held:
// a half of them late when it begins.
func BenchmarkOfferReleaseByPromise(b *testing.B) {
	q, services := full(b)
	p := Promise{TTFT: time.Minute, Bound: time.Hour}
	for i, id := 0, ID(manyHeld); b.Loop(); i, id = i+1, id+1 {
		service, now := services[id%10], 20*time.Second+time.Duration(i)*time.Millisecond
		q.Offer(now, Request{ID: id, Service: service, Bytes: 4096, Tokens: 1000, Prompt: 900})
		q.ReleaseByPromise(now, service, p, []Place{{Free: 1}})
	}
}

// BenchmarkOfferCancel is one request in and out again, 10,000 held.
func BenchmarkOfferCancel(b *testing.B) {
	q, services := full(b)
	id := ID(manyHeld)
	for b.Loop() {
		q.Offer(0, Request{ID: id, Service: services[id%10], Bytes: 4096, Tokens: 1000})
		q.Cancel(id)
		id++
	}
}

// BenchmarkIdleTick is a tick with nothing to end, 10,000 held.
func BenchmarkIdleTick(b *testing.B) {
	q, _ := full(b)
	for b.Loop() {
		q.Tick(1)
	}
}

// BenchmarkHeld is the memory that the queue takes for each of 10,000.
func BenchmarkHeld(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		q, _ := full(b)
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(q)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/manyHeld, "B/held")
}
