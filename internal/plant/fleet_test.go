package plant

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		GPUs: 1, Nodes: 2, GPUsPerNode: 4, Routing: LeastOutstanding, Hold: Hold{Enabled: true}, Grace: time.Minute,
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
		f := newFleet(t, func(c *FleetConfig) { c.Grace = grace })
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
			if d.Aborted {
				cut++
			}
		}
		if want := map[bool]int{true: 2, false: 0}[grace < time.Second]; cut != want || f.Count(Ready) != 1 || f.Count(Draining) != 0 {
			t.Errorf("grace %v: %d were cut, want %d; %d ready, %d draining", grace, cut, want, f.Count(Ready), f.Count(Draining))
		}
	}
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
	f.leave()
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
	f.Offer(0, Request{ID: 2, PromptTokens: 1 << 30, MaxTokens: 10}, 0)
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	f.Offer(0, Request{ID: 3, PromptTokens: 1000, MaxTokens: 5000}, 10*time.Second)
	want := map[ID]bool{2: true, 3: true} // aborted: too long for the model, and not in time
	for _, d := range f.Advance(time.Minute) {
		if d.Aborted != want[d.ID] {
			t.Errorf("request %d: aborted %v", d.ID, d.Aborted)
		}
	}
	if f.InFlight() != 0 {
		t.Errorf("%d are still there", f.InFlight())
	}
}

// INV-4, INV-7 and INV-8: every request ends in exactly one Done, GPUs are conserved and no replica exceeds
// its room, whatever happens; the same calls give the same Dones.
func TestFleetConserves(t *testing.T) {
	for seed := range uint64(60) {
		one, two := wild(t, seed), wild(t, seed)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("seed %d, twice: %s", seed, diff)
		}
	}
}

func wild(t *testing.T, seed uint64) []Done {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	room := random.IntN(3) * 5
	f := newFleet(t, func(c *FleetConfig) {
		c.Seed, c.Routing, c.Hold.Enabled, c.Hold.Room = seed, Routings()[random.IntN(4)], random.IntN(4) > 0, room
		c.Grace = time.Duration(random.IntN(3)) * 5 * time.Second
		c.ColdStart.Load.CV, c.LeastBusyFirst = 1, seed%2 == 0
		c.MeanTimeToCrash = time.Duration(random.IntN(2)) * 5 * time.Minute
	})
	var all []Done
	offered := ID(0)
	for at := time.Duration(0); at < 20*time.Minute; at += time.Duration(random.Int64N(int64(4 * time.Second))) {
		all = append(all, f.Advance(at)...)
		if random.IntN(10) == 0 {
			f.SetReplicas(at, random.IntN(12))
		}
		for range random.IntN(4) {
			offered++
			f.Offer(at, Request{ID: offered, PromptTokens: 1 + random.IntN(3000), MaxTokens: 1 + random.IntN(300)}, time.Duration(random.IntN(2))*time.Minute)
		}
		checkFleet(t, f, room)
	}
	all = append(all, f.Advance(20*time.Minute)...)
	f.SetReplicas(20*time.Minute, 1)
	all = append(all, f.Advance(2*time.Hour)...)
	checkDones(t, f, seed, all, int(offered))
	return all
}

func checkDones(t *testing.T, f *Fleet, seed uint64, all []Done, offered int) {
	t.Helper()
	seen := map[ID]bool{}
	for _, d := range all {
		if seen[d.ID] || !d.Aborted && (d.FirstToken < d.Arrival || d.LastToken < d.FirstToken) {
			t.Fatalf("seed %d: %+v, seen before: %v", seed, d, seen[d.ID])
		}
		seen[d.ID] = true
	}
	if len(seen)+f.InFlight() != offered || f.Count(Ready) == 1 && f.InFlight() > 0 && f.config.MeanTimeToCrash == 0 {
		t.Fatalf("seed %d: %d ended and %d are there, of %d", seed, len(seen), f.InFlight(), offered)
	}
}

func checkFleet(t *testing.T, f *Fleet, room int) {
	t.Helper()
	used, flying := 0, f.Held()
	for _, r := range f.Replicas() {
		if r.State() > Pending {
			used += f.config.GPUs
		}
		if flying += r.InFlight(); room > 0 && r.InFlight() > room {
			t.Fatalf("replica %d has %d requests, room is %d", r.Number(), r.InFlight(), room)
		}
	}
	free := 0
	for _, n := range f.nodes {
		free += n.free
	}
	if used+free != f.config.Nodes*f.config.GPUsPerNode || flying != f.InFlight() {
		t.Fatalf("%d GPUs used, %d free; %d requests at replicas and held, %d in flight", used, free, flying, f.InFlight())
	}
}

func TestFleetConfig(t *testing.T) {
	for want, change := range map[string]func(*FleetConfig){
		"a node has 4":     func(c *FleetConfig) { c.GPUs = 5 },
		"nodes: 0":         func(c *FleetConfig) { c.Nodes = 0 },
		"cold start takes": func(c *FleetConfig) { c.ColdStart.Pull.Mean = -1 },
		"no routing":       func(c *FleetConfig) { c.Routing = 0 },
		"negative":         func(c *FleetConfig) { c.Grace = -1 },
		"max_num_seqs":     func(c *FleetConfig) { c.Engine.MaxNumSeqs = 0 },
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
