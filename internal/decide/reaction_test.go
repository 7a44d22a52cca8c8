package decide

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// A trial is a service whose load becomes a multiple of what it was. It is read, and decided, at
// each tick, as with --direct-scrape.
type trial struct {
	tick    time.Duration
	to      float64 // requests per second, from before on; a replica does 4.7 within the objectives
	poisson bool    // arrivals come as they like, else as evenly as they can
}

const (
	before = 1.5
	moment = 100 * time.Millisecond // in which arrivals are drawn
)

// arrive lets time go on to the next tick; the load is another one from a step on.
func (c trial) arrive(w *lawtest.World, r *rand.Rand, step time.Duration) {
	for end := w.Now + c.tick; w.Now < end; w.Go(moment) {
		w.Rate = before
		if w.Now >= step {
			w.Rate = c.to
		}
		if c.poisson {
			n := 0
			for at := r.ExpFloat64(); at < w.Rate*moment.Seconds(); at += r.ExpFloat64() {
				n++
			}
			w.Rate = float64(n) / moment.Seconds()
		}
	}
}

// learned is a service that has been seen for ten minutes.
func (c trial) learned(p Policy, r *rand.Rand) (*lawtest.World, State) {
	w, s := lawtest.NewWorld(1), State{}
	w.Without = true // pods only are seen
	for w.Now < 10*time.Minute {
		c.arrive(w, r, time.Hour)
		s, _ = Step(p, s, see(w, p, 1))
	}
	return w, s
}

// reacts is how long after the step more replicas are asked for.
func (c trial) reacts(t *testing.T, p Policy, w *lawtest.World, s State, r *rand.Rand) time.Duration {
	t.Helper()
	step := w.Now + time.Duration(r.Int64N(int64(c.tick/moment)))*moment
	for w.Now < step+time.Minute {
		c.arrive(w, r, step)
		var d Decision
		if s, d = Step(p, s, see(w, p, 1)); d.Replicas > 1 {
			return w.Now - step
		}
	}
	t.Fatalf("%+v: nothing is asked for within a minute", c)
	return 0
}

// How long a step of load takes to be decided on, of a hundred at any time within a tick: what the
// law sees when, and how much it takes for chance (docs/design/0006-objective-mode.md). Nothing
// before and after it is counted.
func TestReaction(t *testing.T) {
	p := promised(1, 20)
	for _, c := range []struct {
		trial
		median, most time.Duration // of 99
	}{
		{trial{time.Second, 5 * before, false}, 2200 * time.Millisecond, 2600 * time.Millisecond},
		{trial{time.Second, 5 * before, true}, 3600 * time.Millisecond, 8500 * time.Millisecond},
		{trial{time.Second, 10 * before, false}, 1300 * time.Millisecond, 1700 * time.Millisecond},
		{trial{time.Second, 10 * before, true}, 1600 * time.Millisecond, 2500 * time.Millisecond},
		{trial{2 * time.Second, 5 * before, false}, 2600 * time.Millisecond, 3600 * time.Millisecond},
		{trial{2 * time.Second, 5 * before, true}, 3400 * time.Millisecond, 6900 * time.Millisecond},
		{trial{2 * time.Second, 10 * before, false}, 1800 * time.Millisecond, 2700 * time.Millisecond},
		{trial{2 * time.Second, 10 * before, true}, 2000 * time.Millisecond, 3400 * time.Millisecond},
		{trial{5 * time.Second, 5 * before, false}, 4400 * time.Millisecond, 6600 * time.Millisecond},
		{trial{5 * time.Second, 5 * before, true}, 5600 * time.Millisecond, 9000 * time.Millisecond},
		{trial{5 * time.Second, 10 * before, false}, 3000 * time.Millisecond, 5700 * time.Millisecond},
		{trial{5 * time.Second, 10 * before, true}, 3600 * time.Millisecond, 6400 * time.Millisecond},
	} {
		r := rand.New(rand.NewPCG(15, 1))
		world, s := c.learned(p, r)
		var all []time.Duration
		for range 100 {
			w := *world
			w.Servers = []*lawtest.Server{new(*world.Servers[0])}
			all = append(all, c.reacts(t, p, &w, s, r))
		}
		slices.Sort(all)
		t.Logf("%+v: p50 %v, p99 %v", c.trial, all[50], all[98])
		if all[50] > c.median || all[98] > c.most {
			t.Errorf("%+v: half within %v and 99 of 100 within %v, want %v and %v", c.trial, all[50], all[98], c.median, c.most)
		}
	}
}
