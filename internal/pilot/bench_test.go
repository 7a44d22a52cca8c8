package pilot

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
)

const (
	benchServices = 10_000
	benchPods     = 2
	benchTick     = 5 * time.Second
)

// crowd is many services of two pods each that serve two requests per second, read without
// a network.
type crowd struct {
	subjects []Subject
	now      time.Time
	sets     map[Service]reading.Set
}

func (c *crowd) All(context.Context) ([]Subject, error) { return c.subjects, nil }

func (c *crowd) Of(context.Context, Service) (Subject, bool) { return Subject{}, false }

var histograms = []reading.Signal{reading.TTFTs, reading.TPOTs, reading.InputLengths, reading.AnswerLengths}

// valued is what a pod says of a signal once it has served a number of requests.
func valued(signal reading.Signal, served float64) float64 {
	switch signal {
	case reading.Running, reading.Waiting:
		return 3
	case reading.PromptTokensRead, reading.InputTokens:
		return 1000 * served
	case reading.TokenGaps, reading.AnswerTokens:
		return 250 * served
	case reading.TokenSeconds:
		return 5 * served
	case reading.KVUsage:
		return .2
	case reading.KVCapacity:
		return 400_000
	default:
		return served
	}
}

func (c *crowd) Read(_ context.Context, now time.Time, pods map[Service][]string) (map[Service]reading.Set, error) {
	at, served := now.Sub(time.Unix(0, 0)), 2*now.Sub(time.Unix(1e9, 0)).Seconds()
	for s := range pods {
		set := c.sets[s]
		set = set[:0]
		for _, signal := range (promise.Law{}).Needs() {
			series := set.Add(signal)
			value := valued(signal, served)
			if slices.Contains(histograms, signal) {
				series.Bounds = append(series.Bounds, .01, .1, 1, 10, 100, 1000, 10_000)
			}
			for range benchPods {
				series.Pods = append(series.Pods, reading.New(value, at))
				if len(series.Bounds) > 0 {
					for i, b := 0, series.AddBuckets(); i < len(b); i++ {
						b[i] = value * float64(i) / float64(len(b))
					}
				}
			}
		}
		c.sets[s] = set
	}
	return c.sets, nil
}

// BenchmarkTick is one tick of 10,000 services with Flyball's law: what of a core that
// takes at a tick every 5 s, and what memory, is printed.
func BenchmarkTick(b *testing.B) {
	c := &crowd{now: time.Unix(1e9, 0), sets: map[Service]reading.Set{}}
	bounds := law.Bounds{Min: 1, Max: 8}
	for i := range benchServices {
		s := Subject{
			Service: Service{fmt.Sprint("team-", i/100), fmt.Sprint("llama-", i)}, UID: fmt.Sprint(i),
			Policy: decide.Policy{Law: promise.Law{Bounds: bounds, Promise: .9, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond}, Bounds: bounds},
			Fleet:  law.Fleet{Desired: benchPods, Ready: benchPods},
		}
		for j := range benchPods {
			s.Fleet.Pods = append(s.Fleet.Pods, law.Pod{Name: fmt.Sprint("pod-", j), Phase: law.PodRunning, Ready: true})
		}
		c.subjects = append(c.subjects, s)
	}
	p, err := New(Config{
		Every: benchTick, Roster: c, Source: c, Book: NewBook(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return c.now },
		Demand:     func(Service) demand.Demand { return demand.Demand{} },
		Remembered: func(Service, string) (Memory, bool) { return Memory{}, false },
	})
	if err != nil {
		b.Fatal(err)
	}
	tick := func() {
		c.now = c.now.Add(benchTick)
		p.tick(b.Context())
	}
	for range 24 { // until what a replica does is known
		tick()
	}
	before := cpu(b)
	for b.Loop() {
		tick()
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)/benchTick.Seconds(), "cores")
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB")
	runtime.KeepAlive(p)
	runtime.KeepAlive(c)
}

// cpu is what this process has used of cores.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
