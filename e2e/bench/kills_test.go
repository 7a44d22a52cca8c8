//go:build e2e && linux

package bench

import (
	"cmp"
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
	reign    = 4 * time.Minute  // at most: whoever begins cuts nothing before it has seen a window
	later    = 5 * time.Minute  // by how much a raise may be
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
	one.say("decisions recorded, cuts and raises among them", "%d, %d, %d", c.decisions, c.cut, c.raised)
	one.say("without a leader, p50 and most", "%.0f s, %.0f s", quantile(.5, without).Seconds(), quantile(1, without).Seconds())
	for _, what := range c.cuts {
		t.Errorf("INV-2: %s", what)
	}
	for _, what := range c.raises {
		t.Log(what)
	}
	if c.cut == 0 || c.raised == 0 {
		t.Errorf("%d cuts and %d raises: nothing is shown by that", c.cut, c.raised)
	}
	return one
}

// A comparison is of what was decided with what one uninterrupted run would have.
type comparison struct {
	decisions, cut, raised int
	cuts, raises           []string // that it would not
}

// compare decides again what all have recorded, in the order of time.
func compare(t *testing.T, processes []*process) comparison {
	t.Helper()
	var folders []string
	for _, p := range processes {
		folders = append(folders, p.on)
	}
	by := map[string][]record.Entry{}
	for e := range recorded(t, folders...) {
		by[e.Service] = append(by[e.Service], e)
	}
	var c comparison
	for _, name := range slices.Sorted(maps.Keys(by)) {
		c.of(name, by[name])
	}
	return c
}

// of compares the steps of one service.
func (c *comparison) of(name string, all []record.Entry) {
	slices.SortStableFunc(all, func(a, b record.Entry) int { return cmp.Compare(a.Now(), b.Now()) })
	var state decide.State
	var asked []record.Entry // what the uninterrupted one decided, within later
	for _, e := range all {
		var would decide.Decision
		state, would = decide.Step(e.Policy, state, e.Input)
		made, there := e.Decision.Replicas, e.Input.Fleet.Desired
		again := e
		again.Decision = would
		asked = append(slices.DeleteFunc(asked, func(a record.Entry) bool { return e.Now()-a.Now() > later }), again)
		most := slices.MaxFunc(asked, func(a, b record.Entry) int { return cmp.Compare(a.Decision.Replicas, b.Decision.Replicas) })
		c.decisions++
		switch {
		case made < there:
			c.cut++
			if would.Replicas > made {
				c.cuts = append(c.cuts, fmt.Sprintf("%s at %v: %d replicas were cut to %d, where an uninterrupted run has %d: %v; %v", name, e.Now(), there, made, would.Replicas, e.Decision.Reasons, would.Reasons))
			}
		case made > there:
			c.raised++
			if most.Decision.Replicas < made {
				c.raises = append(c.raises, fmt.Sprintf("%s at %v: %d replicas were raised to %d, where an uninterrupted run had %d at most: %v; %v", name, e.Now(), there, made, most.Decision.Replicas, e.Decision.Reasons, would.Reasons))
			}
		}
	}
}
