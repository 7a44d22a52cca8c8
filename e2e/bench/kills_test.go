//go:build e2e && linux

package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/record"
)

// The load under which leaders are killed: each service's comes and goes, each at its own time.
const (
	waving   = 20
	wave     = 6 * time.Minute
	crest    = 16. // requests per second; a quarter of a wave there are 2
	settle   = 10 * time.Second
	shortest = 10 * time.Second // that one leads
	fast     = 2 * time.Second  // tick
	scraped  = time.Second
	reign    = 2 * time.Minute // at most
	later    = 5 * time.Minute // by how much a raise may be
)

// measureKills kills the scaler that leads again and again, and compares what was decided with
// what one that had gone on would have made of the same readings.
func measureKills(t *testing.T) table {
	w := newWorld(t, scraped)
	all := names(waving)
	w.make(t, all, func(i int) func(time.Time) float64 {
		return func(now time.Time) float64 {
			phase := float64(now.UnixMilli())/float64(wave.Milliseconds()) + float64(i)/waving
			return 2 + (crest-2)*math.Pow(max(math.Sin(2*math.Pi*phase), 0), 2)
		}
	}, native)
	w.keep(t)
	both := []*process{w.scaler(t, fast, "--settle="+settle.String()), w.scaler(t, fast, "--settle="+settle.String())}
	var without []time.Duration
	killed := time.Now()
	for n := range *kills + 1 {
		var leads *process
		patient(t, "a scaler leads", func() bool {
			leads = nil
			for _, p := range both {
				if lines, _, ok := p.decisions(); ok && len(lines) == waving {
					leads = p
				}
			}
			return leads != nil
		})
		if n > 0 {
			without = append(without, time.Since(killed))
		}
		<-time.After(shortest + rand.N(reign-shortest))
		if n == *kills {
			break
		}
		killed = time.Now()
		if err := leads.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		leads.start(t)
	}
	c := compare(t, both)
	one := table{title: fmt.Sprintf("The leader killed %d times", *kills), about: fmt.Sprintf(
		"Two scalers, of which the one that leads gets SIGKILL after %v to %v and is started again; %d services of the engine native whose load comes and goes, --settle %v. "+
			"What was recorded is decided again by one uninterrupted Step.", shortest, reign, waving, settle)}
	one.add("cuts that an uninterrupted Step does not make", "%.0f", float64(len(c.cuts)), 0)
	one.add("raises beyond what it asks for, then or in the "+later.String()+" before", "%.0f", float64(len(c.raises)), 0)
	one.add("begun again from the own record, and remembering something else", "%.0f", float64(len(c.strange)), 0)
	one.say("decisions recorded, cuts and raises among them", "%d, %d, %d", c.decisions, c.cut, c.raised)
	one.say("decisions other than those of an uninterrupted Step, and of them for --settle", "%d, %d", c.other, c.settling)
	one.say("services begun again by the scaler that had led, and by the other one", "%d, %d", c.own, c.taken)
	one.say("without a leader, p50 and most", "%.0f s, %.0f s", quantile(.5, without).Seconds(), quantile(1, without).Seconds())
	for _, what := range slices.Concat(c.cuts, c.raises, c.strange) {
		t.Error(what)
	}
	if c.cut == 0 || c.raised == 0 || c.own == 0 {
		t.Errorf("%d cuts and %d raises, %d times from the own record: nothing is shown by that", c.cut, c.raised, c.own)
	}
	return one
}

// A comparison is of what was decided with what one uninterrupted run would have.
type comparison struct {
	decisions, cut, raised int
	other, settling        int // decisions, and those that only Settle makes others
	own, taken             int // times that a scaler began to step a service
	// cuts that it would not make, raises beyond what it asks for, and states that are others than
	// when the scaler that goes on was killed.
	cuts, raises, strange []string
}

// A told is a step by one of the scalers.
type told struct {
	record.Entry
	by int
}

// compare decides again what all have recorded, in the order of time.
func compare(t *testing.T, processes []*process) comparison {
	t.Helper()
	by := map[string][]told{}
	for i, p := range processes {
		for e := range recorded(t, p.on) {
			by[e.Service] = append(by[e.Service], told{e, i})
		}
	}
	var c comparison
	for _, name := range slices.Sorted(maps.Keys(by)) {
		c.of(t, by[name])
	}
	return c
}

// of compares the steps of one service. A raise may come later: what is asked for must have been
// asked for by the uninterrupted one too, then or in the time before.
func (c *comparison) of(t *testing.T, all []told) {
	t.Helper()
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Compare(a.Now(), b.Now()) })
	var state, own decide.State // of the uninterrupted one, and of whoever took over last
	var settled time.Duration
	var asked []record.Entry // what the uninterrupted one decided, within later
	for i, e := range all {
		switch {
		case !e.Begins:
		case i > 0 && all[i-1].by == e.by:
			c.goesOn(t, e.Entry, own)
		case i > 0:
			c.taken++
		}
		if e.Begins {
			own, settled = e.State, e.Now()+settle
		}
		again := e.Entry
		state, again.Decision = decide.Step(e.Policy, state, e.Input)
		own, _ = decide.Step(e.Policy, own, e.Input)
		asked = append(slices.DeleteFunc(asked, func(a record.Entry) bool { return e.Now()-a.Now() > later }), again)
		c.step(e.Entry, again.Decision, asked, e.Now() < settled)
	}
}

// goesOn compares what a scaler begins with that has recorded the step before with what the one
// remembered that made it.
func (c *comparison) goesOn(t *testing.T, e record.Entry, own decide.State) {
	t.Helper()
	c.own++
	if is, want := text(t, e.State), text(t, own); is != want {
		c.strange = append(c.strange, fmt.Sprintf("%s at %v: a scaler that goes on from its own record remembers\n%s\nwhere the one before remembered\n%s", e.Service, e.Now(), is, want))
	}
}

// text is a state, but for Settle, which begins anew.
func text(t *testing.T, s decide.State) string {
	t.Helper()
	all, err := json.Marshal(s.Restarted())
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// step compares one decision.
func (c *comparison) step(e record.Entry, would decide.Decision, asked []record.Entry, settling bool) {
	made, there := e.Decision.Replicas, e.Input.Fleet.Desired
	c.decisions++
	if made != would.Replicas {
		c.other++
		if settling && made == max(would.Replicas, there) {
			c.settling++
		}
	}
	switch {
	case made < there:
		c.cut++
		if would.Replicas > made {
			c.cuts = append(c.cuts, fmt.Sprintf("%s at %v: %d replicas were cut to %d, where an uninterrupted run has %d: %v; %v", e.Service, e.Now(), there, made, would.Replicas, e.Decision.Reasons, would.Reasons))
		}
	case made > there:
		c.raised++
		most := slices.MaxFunc(asked, func(a, b record.Entry) int { return cmp.Compare(a.Decision.Replicas, b.Decision.Replicas) })
		if most.Decision.Replicas < made {
			c.raises = append(c.raises, fmt.Sprintf("%s at %v: %d replicas were raised to %d, where an uninterrupted run had %d at most: %v; %v", e.Service, e.Now(), there, made, most.Decision.Replicas, e.Decision.Reasons, would.Reasons))
		}
	}
}
