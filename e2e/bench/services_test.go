//go:build e2e && linux

package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/scaler"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

// How long services are watched, and calls made, and how often.
const (
	watching = time.Minute
	calling  = 30 * time.Second
	calls    = 800 // per second
)

// measureServices is what many services cost whose load is even.
func measureServices(t *testing.T) []table {
	var all []table
	for size := range strings.SplitSeq(*sizes, ",") {
		count, every, _ := strings.Cut(size, "/")
		n, wrong := strconv.Atoi(count)
		tick, err := time.ParseDuration(every)
		if wrong != nil || err != nil || n < 1 || tick <= 0 {
			t.Fatalf("-services %q: want, for example, 1000/5s", *sizes)
		}
		t.Run(count, func(t *testing.T) { all = append(all, measureSize(t, n, tick)) })
	}
	return all
}

func measureSize(t *testing.T, n int, tick time.Duration) table {
	w := newWorld(t, 15*time.Second)
	all := names(n)
	w.make(t, all, even, scaledObject(t))
	p := w.scaler(t, tick)
	patient(t, "decisions on all services", func() bool {
		lines, _, ok := p.decisions()
		return ok && len(lines) == len(all)
	})
	for range 3 { // until what a replica does is known
		<-time.After(tick)
	}
	one := table{title: fmt.Sprintf("%d services", len(all)), about: fmt.Sprintf(
		"ScaledObjects that state %q, a pod each with vLLM's series, decided every %v and recorded, told to a follower each second; its metrics are scraped every %v.", objectives, tick, w.every)}
	stop := p.scraped(w.every)
	defer stop()
	w.watch(t, p, tick, &one)
	took := w.call(t, p, all)
	one.add(fmt.Sprintf("GetMetrics and IsActive, %d calls/s over mutual TLS, p99", calls), "%.1f ms", milliseconds(quantile(.99, took)), 5)
	one.say("the same, median", "%.1f ms", milliseconds(quantile(.5, took)))
	return one
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// even is a load of 0.5 to 3 requests per second.
func even(i int) func(time.Time) float64 {
	return func(time.Time) float64 { return .5 + .5*float64(i%6) }
}

// patient waits longer than kubetest.Eventually does.
func patient(t *testing.T, what string, is func() bool) {
	t.Helper()
	until := time.Now().Add(10 * kubetest.Patience)
	for !is() {
		if time.Now().After(until) {
			t.Fatalf("%s: not after %v", what, 10*kubetest.Patience)
		}
		<-time.After(time.Second)
	}
}

// watch measures the ticks of a minute.
func (w *world) watch(t *testing.T, p *process, tick time.Duration, out *table) {
	t.Helper()
	w.restart()
	before, err := p.use()
	if err != nil {
		t.Fatal(err)
	}
	began, peak := time.Now(), before.bytes
	steps := map[types.NamespacedName][]time.Time{}
	for time.Since(began) < watching {
		<-time.After(time.Second)
		lines, at, ok := p.decisions()
		now, err := p.use()
		if err != nil || !ok {
			t.Fatalf("the scaler does not answer any more: %v", err)
		}
		peak = max(peak, now.bytes)
		for _, l := range lines {
			key, step := types.NamespacedName{Namespace: l.Namespace, Name: l.Name}, at.Add(-time.Duration(l.AgeMillis)*time.Millisecond)
			if all := steps[key]; len(all) == 0 || step.Sub(all[len(all)-1]) > tick/10 {
				steps[key] = append(all, step)
			}
		}
	}
	after, err := p.use()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	w.asking.Lock()
	ticks, bytes, broken, n := w.begun, float64(w.bytes), float64(w.broken), len(w.begun)
	if n < 2 {
		t.Fatalf("%d reads of Prometheus in %v", n, took)
	}
	perTick := float64(w.before[n-1]-w.before[0]) / float64(n-1) / max(float64(len(w.services))/1000, 1)
	w.asking.Unlock()
	late, steady := lags(tick, ticks, steps, began)
	out.add("cores", "%.2f", (after.cpu-before.cpu).Seconds()/took.Seconds(), 1)
	out.add("memory, resident, most", "%.0f MB", peak/1e6, 1000)
	out.add("queries per 1,000 services and tick", "%.1f", perTick, 12)
	out.add("answers that are not read within half a tick", "%.0f", broken, 0)
	out.add("a tick begins later than it is due, p99", "%.2f s", quantile(.99, late).Seconds(), 1)
	out.say("a service's step is later than its tick is due, p50, p99", "%.2f s, %.2f s", quantile(.5, steady).Seconds(), quantile(.99, steady).Seconds())
	out.say("read of Prometheus, a tick", "%.0f MB", bytes/1e6/(took.Seconds()/tick.Seconds()))
	if perTick > 12 {
		t.Errorf("INV-1: %.1f queries per 1,000 services and tick, want 12 at most", perTick)
	}
}

// lags are by how much ticks begin too late, and by how much services' steps come after them.
// The earliest tick says when they are due.
func lags(tick time.Duration, begun []time.Time, steps map[types.NamespacedName][]time.Time, from time.Time) (late, of []time.Duration) {
	if len(begun) == 0 {
		return nil, nil
	}
	phase := func(at time.Time) time.Duration { return at.Sub(begun[0]) + tick*100_000 }
	due := phase(begun[0]) % tick
	off := func(at time.Time) time.Duration { return (phase(at)-due+tick/2)%tick - tick/2 }
	first := time.Duration(0)
	for _, at := range begun {
		first = min(first, off(at))
	}
	for _, at := range begun {
		late = append(late, off(at)-first)
	}
	for _, all := range steps {
		for _, at := range all {
			if at.After(from) {
				of = append(of, (phase(at)-due-first)%tick)
			}
		}
	}
	return late, of
}

// call asks as KEDA does, with a stream of each service open, at an even rate, whatever the
// answers before take. Each duration is from when a call was due.
func (w *world) call(t *testing.T, p *process, all []types.NamespacedName) []time.Duration {
	t.Helper()
	connection, err := grpc.NewClient(p.keda, grpc.WithTransportCredentials(credentials.NewTLS(mutual(t, w.keda))))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	keda := externalscaler.NewExternalScalerClient(connection)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refs := make([]*externalscaler.ScaledObjectRef, len(all))
	for i, key := range all {
		refs[i] = &externalscaler.ScaledObjectRef{Namespace: key.Namespace, Name: key.Name, ScalerMetadata: trigger()}
		stream, err := keda.StreamIsActive(ctx, refs[i], grpc.WaitForReady(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	// The source is of this process too: who asks does not wait for what it computes.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + atOnce))
	var mu sync.Mutex
	var took []time.Duration
	var group sync.WaitGroup
	began := time.Now()
	for i := range int(calling.Seconds() * calls) {
		due := began.Add(time.Duration(i) * time.Second / calls)
		<-time.After(time.Until(due))
		group.Go(func() {
			var err error
			ref := refs[i/2%len(refs)]
			if i%2 == 0 {
				_, err = keda.GetMetrics(ctx, &externalscaler.GetMetricsRequest{ScaledObjectRef: ref, MetricName: scaler.MetricName})
			} else {
				_, err = keda.IsActive(ctx, ref)
			}
			d := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("asking about %s/%s: %v", ref.Namespace, ref.Name, err)
			}
			took = append(took, d)
		})
	}
	group.Wait()
	return took
}
