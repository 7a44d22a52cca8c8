package plant

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
)

// byPromise is a fleet with one replica, in front of which requests wait by promise.
func byPromise(t *testing.T, change func(*FleetConfig)) *Fleet {
	t.Helper()
	f := newFleet(t, func(c *FleetConfig) {
		c.Hold.ByPromise, c.Hold.TTFT, c.Hold.TPOT = true, 3*time.Second, 100*time.Millisecond
		if change != nil {
			change(c)
		}
	})
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	return f
}

// overload offers twice what one replica can read for a minute, and says how many had
// their first token in time, in all and of those that came in the last half.
func overload(t *testing.T, f *Fleet) (inTime, lately int) {
	t.Helper()
	const n = 1200
	take := func(ended []Done) {
		for _, d := range ended {
			if d.Ending != Answered {
				t.Fatalf("%+v, want an answer", d)
			}
			if d.FirstToken-d.Arrival <= 3*time.Second {
				if inTime++; d.ID > n/2 {
					lately++
				}
			}
		}
	}
	now := time.Duration(0)
	for id := range ID(n) {
		now += 50 * time.Millisecond
		take(f.Advance(now))
		f.Offer(now, Request{ID: id + 1, PromptTokens: 2500, MaxTokens: 5}, 0)
	}
	for f.InFlight() > 0 {
		now = f.Next()
		take(f.Advance(now))
	}
	return inTime, lately
}

// TestOverloadByPromise: of twice what there is room for a half has its first token in
// time for as long as it lasts, and nobody is lost; by arrival, all wait in the engine,
// and none has from a few seconds on.
func TestOverloadByPromise(t *testing.T) {
	if inTime, lately := overload(t, byPromise(t, nil)); inTime < 440 || lately < 240 {
		t.Errorf("by promise %d of 1200 and %d of the last 600 are in time, want 440 and 240 at least", inTime, lately)
	}
	f := newFleet(t, nil)
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	if inTime, lately := overload(t, f); inTime > 200 || lately > 0 {
		t.Errorf("by arrival %d of 1200 and %d of the last 600 are in time, want 200 and none at most", inTime, lately)
	}
}

// TestPaceLearns: from a prior that is off by a factor of two, the queue learns in two
// minutes how fast prompts are read, to a fifth, and how much a sequence holds.
func TestPaceLearns(t *testing.T) {
	f := byPromise(t, nil)
	c := f.config.Engine.Cost
	truth := capacity.Costs{
		Step: c.AlphaDMillis * 1e-3, Prompt: c.BetaMicros * 1e-6, Sequence: (c.DeltaMMicros + c.HostMicros) * 1e-6, Context: c.GammaDNanos * 1e-9,
	}
	f.pace.hold.Prior = capacity.Prior{Costs: capacity.Costs{
		Step: 2 * truth.Step, Prompt: 2 * truth.Prompt, Sequence: 2 * truth.Sequence, Context: 2 * truth.Context,
	}, Common: 1, Each: 0.5}
	now := time.Duration(0)
	for id := range ID(600) {
		now += 200 * time.Millisecond
		f.Advance(now)
		f.Offer(now, Request{ID: id + 1, PromptTokens: 1500 + int(id%10)*200, MaxTokens: 150}, 0)
	}
	if got := f.pace.fit.Estimate(f.pace.hold.Prior).Costs.Prompt / truth.Prompt; got < 0.8 || got > 1.2 {
		t.Errorf("a token of a prompt takes %.2f times what it does", got)
	}
	if got := f.pace.context.of; got < 2300 || got > 2700 {
		t.Errorf("a sequence holds %.0f tokens, want about 2,400 and 75", got)
	}
	if got, want := f.pace.room.Sequences, f.config.Engine.KVTokens/2700; got < 10 || got > f.config.Engine.MaxNumSeqs {
		t.Errorf("room for %d sequences, of at most %d; the cache holds %d", got, f.config.Engine.MaxNumSeqs, want)
	}
}

// TestMeanForgets: after a change the mean is that of the last values, and not of all.
func TestMeanForgets(t *testing.T) {
	var m mean
	for range 10 * lately {
		m.add(1000)
	}
	for range 3 * lately {
		m.add(2000)
	}
	if m.of < 1900 || m.of > 2000 {
		t.Errorf("the mean is %.0f after %d values of 2000, want about that", m.of, 3*lately)
	}
}

// TestHeldCountsForRouter: what a request waits in front is part of the router's TTFT and
// not of the engine's.
func TestHeldCountsForRouter(t *testing.T) {
	f := newFleet(t, nil)
	f.Offer(0, Request{ID: 1, PromptTokens: 1000, MaxTokens: 10}, 0)
	f.SetReplicas(0, 1)
	f.Advance(2 * time.Minute)
	m := f.replicas[0].engine.Meter()
	if m.TTFT.Sum > time.Second || m.RouterTTFT.Sum-m.TTFT.Sum != 38*time.Second {
		t.Errorf("TTFT %v at the engine, %v at the router; want 38 s more there, until the replica was ready", m.TTFT.Sum, m.RouterTTFT.Sum)
	}
}

func TestPromiseIsValidated(t *testing.T) {
	for name, change := range map[string]func(*FleetConfig){
		"nothing is held": func(c *FleetConfig) { c.Hold = Hold{ByPromise: true, TTFT: 1, TPOT: 1} },
		"no TTFT":         func(c *FleetConfig) { c.Hold.ByPromise, c.Hold.TPOT = true, 1 },
		"no TPOT":         func(c *FleetConfig) { c.Hold.ByPromise, c.Hold.TTFT = true, 1 },
	} {
		c := fleetConfig(t)
		change(&c)
		if _, err := NewFleet(c); err == nil {
			t.Errorf("%s: NewFleet = nil, want an error", name)
		}
	}
}
