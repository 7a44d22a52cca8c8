package plant

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/drain"
)

func fleetConfig(tb testing.TB) FleetConfig {
	tb.Helper()
	p, err := FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		tb.Fatal(err)
	}
	return FleetConfig{
		Engine: Config{
			Cost: p.Cost, FrontEnd: p.FrontEnd, FrontEndPerSequence: p.FrontEndPerSequence, AsyncScheduling: p.AsyncScheduling,
			KVTokens: p.KVTokens, BlockTokens: 16, MaxModelLen: p.MaxModelLen, MaxNumBatchedTokens: p.MaxNumBatchedTokens,
			MaxNumSeqs: 256, PrefixCaching: true,
		},
		GPUs: 1, Nodes: 2, GPUsPerNode: 4, Routing: LeastOutstanding, Hold: Hold{Queue: admit.Defaults()}, Drain: drain.Config{Bound: time.Minute},
		ColdStart: ColdStart{
			Schedule: Phase{Mean: time.Second}, Pull: Phase{Mean: 20 * time.Second},
			Load: Phase{Mean: 10 * time.Second}, Compile: Phase{Mean: 5 * time.Second}, Ready: Phase{Mean: 2 * time.Second},
		},
	}
}

func newFleet(tb testing.TB, change func(*FleetConfig)) *Fleet {
	tb.Helper()
	c := fleetConfig(tb)
	if change != nil {
		change(&c)
	}
	f, err := NewFleet(c)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Two requests at zero are held. A replica is asked for at 10 s and serves at 48 s: 1 s
// to a node, 20 s for the image, 17 s until it is ready. The next one on that node
// needs no image.
func TestFleetWorkedExample(t *testing.T) {
	f := newFleet(t, func(c *FleetConfig) { c.Nodes = 1 })
	for id := range ID(2) {
		f.Offer(5*time.Second, Request{ID: id + 1, PromptTokens: 100, MaxTokens: 10}, 0)
	}
	f.SetReplicas(10*time.Second, 1)
	if done := f.Advance(48*time.Second - 1); len(done) != 0 || f.Held() != 2 || f.Count(Starting) != 1 {
		t.Errorf("before 48 s: %v, %d held, %d starting", done, f.Held(), f.Count(Starting))
	}
	f.SetReplicas(48*time.Second-1, 2)
	done := f.Advance(49 * time.Second)
	if len(done) != 2 || f.Held() != 0 || done[0].Generated != 10 || done[0].FirstToken < 48*time.Second || done[0].Arrival != 5*time.Second {
		t.Errorf("by 49 s: %+v, want both answered from 48 s on", done)
	}
	f.Advance(66 * time.Second)
	if f.Count(Ready) != 2 {
		t.Errorf("18 s later %d are ready, want 2", f.Count(Ready))
	}
	f.SetReplicas(70*time.Second, 0)
	if len(f.Replicas()) != 0 {
		t.Errorf("idle replicas stay: %d", len(f.Replicas()))
	}
}

// A replica that is told to end finishes what it has and gets nothing new; with no
// grace it cuts.
func TestDrain(t *testing.T) {
	for _, grace := range []time.Duration{0, 100 * time.Millisecond, time.Minute} {
		f := newFleet(t, func(c *FleetConfig) { c.Drain.Bound = grace })
		if err := f.Prime(0, 2); err != nil {
			t.Fatal(err)
		}
		for id := range ID(4) {
			f.Offer(0, Request{ID: id + 1, PromptTokens: 100, MaxTokens: 50}, 0)
		}
		f.SetReplicas(0, 1)
		f.Offer(0, Request{ID: 5, PromptTokens: 100, MaxTokens: 50}, 0)
		cut := 0
		for _, d := range f.Advance(10 * time.Second) {
			if d.Ending == Cut {
				cut++
			}
		}
		if want := map[bool]int{true: 2, false: 0}[grace < time.Second]; cut != want || f.Count(Ready) != 1 || f.Count(Draining) != 0 {
			t.Errorf("grace %v: %d were cut, want %d; %d ready, %d draining", grace, cut, want, f.Count(Ready), f.Count(Draining))
		}
	}
}

// INV-10: a replica whose way out is Flyball's hook keeps its GPU while routers notice and until
// its engine has been idle for a while, also if it is idle from the start; one whose hook
// only sleeps goes when that is over, and cuts what is left.
func TestWayOut(t *testing.T) {
	hook := drain.Config{Settle: 15 * time.Second, Quiet: 2 * time.Second, Bound: time.Minute}
	sleep := drain.Config{Settle: 15 * time.Second, Bound: 15 * time.Second}
	for name, test := range map[string]struct {
		way    drain.Config
		tokens int // of the answer in flight; at 12 ms each
		gone   time.Duration
		ending Ending
	}{
		"idle":                {hook, 0, 17 * time.Second, 0},
		"a short answer":      {hook, 500, 17 * time.Second, Answered},
		"a long one":          {hook, 2000, 24 * time.Second, Answered},
		"too long":            {hook, 10000, time.Minute, Cut},
		"a sleep, idle":       {sleep, 0, 15 * time.Second, 0},
		"a sleep":             {sleep, 500, 15 * time.Second, Answered},
		"a sleep, one longer": {sleep, 2000, 15 * time.Second, Cut},
	} {
		f := newFleet(t, func(c *FleetConfig) { c.Drain = test.way })
		if err := f.Prime(0, 1); err != nil {
			t.Fatal(err)
		}
		if test.tokens > 0 {
			f.Offer(0, Request{ID: 1, PromptTokens: 100, MaxTokens: test.tokens}, 0)
		}
		f.SetReplicas(0, 0)
		at, done := untilGone(f)
		if off := at - test.gone; len(done) != min(1, test.tokens) || off < 0 || off > 2*time.Second {
			t.Errorf("%s: gone after %v, ended %+v; want %v", name, at, done, test.gone)
		}
		for _, d := range done {
			if d.Ending != test.ending {
				t.Errorf("%s: the request is %v, want %v", name, d.Ending, test.ending)
			}
		}
	}
}

// untilGone is when the last replica is gone, and what has ended by then.
func untilGone(f *Fleet) (at time.Duration, done []Done) {
	for len(f.Replicas()) > 0 {
		at = f.Next()
		done = append(done, f.Advance(at)...)
	}
	return at, done
}

// Replicas for which there is no GPU are pending until one is free.
func TestFiniteGPUs(t *testing.T) {
	f := newFleet(t, func(c *FleetConfig) { c.GPUs, c.GPUsPerNode = 2, 3 })
	f.SetReplicas(0, 3)
	f.Advance(time.Minute)
	if f.Count(Ready) != 2 || f.Count(Pending) != 1 {
		t.Fatalf("%d ready, %d pending; each of two nodes takes one", f.Count(Ready), f.Count(Pending))
	}
	f.SetReplicas(time.Minute, 2) // the pending one goes first
	if f.Count(Ready) != 2 || f.Count(Pending) != 0 {
		t.Errorf("%d ready, %d pending after the scale-in", f.Count(Ready), f.Count(Pending))
	}
	f.SetReplicas(time.Minute, 3)
	f.Advance(2 * time.Minute)
	f.end(2*time.Minute, f.Replicas()[0])
	f.Advance(3 * time.Minute)
	if f.Count(Ready) != 2 || f.Count(Pending) != 0 {
		t.Errorf("%d ready, %d pending; the freed GPUs are for the one that waited", f.Count(Ready), f.Count(Pending))
	}
}

func TestCrashAndImpatience(t *testing.T) {
	f := newFleet(t, func(c *FleetConfig) { c.MeanTimeToCrash = time.Minute })
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	crashed := false
	for at := time.Duration(0); at < 10*time.Minute; at += time.Second {
		f.Advance(at)
		crashed = crashed || f.Count(Starting) == 1
	}
	if !crashed {
		t.Error("no crash in ten mean times to one")
	}
	f = newFleet(t, nil)
	f.Offer(0, Request{ID: 1, PromptTokens: 10, MaxTokens: 10}, time.Second)
	f.Offer(0, Request{ID: 2, PromptTokens: 1 << 20, MaxTokens: 10}, 0)
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	f.Offer(0, Request{ID: 3, PromptTokens: 1000, MaxTokens: 5000}, 10*time.Second)
	want := map[ID]Ending{1: Answered, 2: Unfit, 3: Abandoned}
	for _, d := range f.Advance(time.Minute) {
		if d.Ending != want[d.ID] {
			t.Errorf("request %d: %v, want %v", d.ID, d.Ending, want[d.ID])
		}
	}
	if f.InFlight() != 0 {
		t.Errorf("%d are still there", f.InFlight())
	}
}

func TestFleetConfig(t *testing.T) {
	for want, change := range map[string]func(*FleetConfig){
		"a node has 4":     func(c *FleetConfig) { c.GPUs = 5 },
		"nodes: 0":         func(c *FleetConfig) { c.Nodes = 0 },
		"cold start takes": func(c *FleetConfig) { c.ColdStart.Pull.Mean = -1 },
		"no routing":       func(c *FleetConfig) { c.Routing = 0 },
		"not be negative":  func(c *FleetConfig) { c.MeanTimeToCrash = -1 },
		"drain: bound":     func(c *FleetConfig) { c.Drain.Bound = -1 },
		"max_num_seqs":     func(c *FleetConfig) { c.Engine.MaxNumSeqs = 0 },
		"hold: a target":   func(c *FleetConfig) { c.Hold.Target = -1 },
		"hold: TTL is 0s":  func(c *FleetConfig) { c.Hold.Queue.TTL = 0 },
	} {
		c := fleetConfig(t)
		change(&c)
		if _, err := NewFleet(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewFleet = %v, want %q", err, want)
		}
	}
	f := newFleet(t, nil)
	if err := f.Prime(0, 9); err == nil || !strings.Contains(err.Error(), "GPUs for 8") {
		t.Errorf("Prime(9) = %v", err)
	}
	if fmt.Sprint(Routings()) != "[random round-robin least-outstanding two-choices]" {
		t.Errorf("Routings() = %v", Routings())
	}
}

// The number of design.md, section 9: 10,000 requests of 1000/250 tokens on 4 replicas
// at 10/s.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		f := newFleet(b, nil)
		if err := f.Prime(0, 4); err != nil {
			b.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 1))
		at, ended := time.Duration(0), 0
		for id := range ID(10000) {
			at += time.Duration(random.ExpFloat64() * float64(100*time.Millisecond))
			ended += len(f.Advance(at))
			f.Offer(at, Request{ID: id + 1, PromptTokens: 1000, MaxTokens: 250}, 0)
		}
		if ended += len(f.Advance(at + time.Hour)); ended != 10000 {
			b.Fatalf("%d ended", ended)
		}
	}
}
