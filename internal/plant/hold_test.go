package plant

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// Forty requests at zero and a target of 4: the first replica that is ready gets four
// of them, and one more for each first token, as from Flyball's gateway. Those of
// prompts that fit no engine end at once and make room.
func TestHeldGoByRoom(t *testing.T) {
	f := newFleet(t, func(c *FleetConfig) { c.Hold.Target = 4 })
	for id := range ID(40) {
		f.Offer(0, Request{ID: id + 1, PromptTokens: []int{1 << 20, 1000}[min(1, id/5)], MaxTokens: 10}, 0)
	}
	f.SetReplicas(0, 1)
	ended := map[Ending]int{}
	silent := 0
	for f.InFlight() > 0 {
		for _, d := range f.Advance(f.Next()) {
			ended[d.Ending]++
		}
		for _, r := range f.Replicas() {
			if r.Engine() == nil {
				continue
			}
			silent = max(silent, r.silent())
			if f.Held() > 0 && r.silent() < 4 {
				t.Fatalf("%d are held, and a replica has %d without a token", f.Held(), r.silent())
			}
		}
	}
	if silent != 4 || ended[Unfit] != 5 || ended[Answered] != 35 || f.queue.Ended(admit.Released) != 40 {
		t.Errorf("at most %d without a token, ended %v, %d released; want 4, 5 unfit, and 40", silent, ended, f.queue.Ended(admit.Released))
	}
}

// What is held ends after the queue's time, what does not fit its budget at once, and
// with no queue everything does.
func TestHoldEnds(t *testing.T) {
	endings := func(change func(*FleetConfig)) map[Ending]int {
		f := newFleet(t, change)
		for id := range ID(3) {
			f.Offer(0, Request{ID: id + 1, PromptTokens: 1000, MaxTokens: 10}, 0)
		}
		all := map[Ending]int{}
		for _, d := range f.Advance(10*time.Minute - 1) {
			all[d.Ending]++
		}
		if held := f.Held(); held != 3-all[Refused]-all[Unserved] {
			t.Errorf("%d are held until just before ten minutes, beside %v", held, all)
		}
		for _, d := range f.Advance(10 * time.Minute) {
			all[d.Ending]++
		}
		return all
	}
	for name, test := range map[string]struct {
		change func(*FleetConfig)
		want   map[Ending]int
	}{
		"as the gateway": {nil, map[Ending]int{Expired: 3}},
		"two requests":   {func(c *FleetConfig) { c.Hold.Queue.Service.Requests = 2 }, map[Ending]int{Expired: 2, Refused: 1}},
		"24 kB, and one": {func(c *FleetConfig) { c.Hold.Queue.Service.Bytes = admit.Overhead + 4000 }, map[Ending]int{Expired: 1, Refused: 2}},
		"less than one":  {func(c *FleetConfig) { c.Hold.Queue.Service.Bytes = admit.Overhead + 3999 }, map[Ending]int{Refused: 3}},
		"nothing holds":  {func(c *FleetConfig) { c.Hold = Hold{} }, map[Ending]int{Unserved: 3}},
	} {
		got := endings(test.change)
		for _, e := range Endings() {
			if got[e] != test.want[e] {
				t.Errorf("%s: %d %v, want %d", name, got[e], e, test.want[e])
			}
		}
	}
}

// A run that is over ends all that is there, once.
func TestGiveUp(t *testing.T) {
	f := newFleet(t, nil)
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	f.Offer(0, Request{ID: 2, PromptTokens: 1000, MaxTokens: 1000}, 0)
	f.SetReplicas(0, 0)
	f.Offer(0, Request{ID: 1, PromptTokens: 1000, MaxTokens: 10}, 0)
	got := f.GiveUp(time.Second)
	if len(got) != 2 || got[0].ID != 1 || got[0].Ending != GivenUp || got[1].Ending != GivenUp || got[1].FirstToken == 0 {
		t.Errorf("GiveUp = %+v, want requests 1 and 2, given up", got)
	}
	if f.InFlight() != 0 || f.Held() != 0 || f.queue.Ended(admit.GivenUp) != 1 || len(f.GiveUp(time.Second)) != 0 {
		t.Errorf("%d in flight, %d held after it", f.InFlight(), f.Held())
	}
}
