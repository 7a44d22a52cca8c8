//go:build e2e && linux

package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/record"
)

// Steps of load: that of each of so many services becomes a multiple, again and again, at a random
// time of a round. It is more than what a service has can serve, or no raise would be called for.
const (
	stepping  = 50
	rate      = 1.5 // requests per second, at first; an engine serves 4.5
	multiple  = 5
	learning  = 90 * time.Second
	round     = 70 * time.Second
	staggered = 25 * time.Second
	often     = time.Second // tick
)

// A step is a service's load multiplied, and what came of it.
type step struct {
	types.NamespacedName
	at   time.Time
	seen time.Time // by a read of a pod
}

// A reaction is the time of each link from a step of load to a replica that serves.
type reaction struct{ all, read, decision, write, made, serving time.Duration }

// measureSteps is how fast the engine native reacts.
func measureSteps(t *testing.T) table {
	w := newWorld(t, 0)
	all := names(stepping)
	flat := func(n float64) func(time.Time) float64 { return func(time.Time) float64 { return n } }
	w.make(t, all, func(int) func(time.Time) float64 { return flat(rate) }, native)
	w.keep(t)
	p := w.scaler(t, often)
	patient(t, "decisions on all services", func() bool {
		lines, _, ok := p.decisions()
		return ok && len(lines) == len(all)
	})
	<-time.After(learning)
	steps := make([][]step, stepping)
	now := rate
	for range *rounds {
		now *= multiple
		var group errgroup.Group
		for i, key := range all {
			group.Go(func() error {
				<-time.After(rand.N(staggered))
				at := time.Now()
				w.load(key, flat(now))
				<-time.After(round - time.Since(at))
				steps[i] = append(steps[i], step{key, at, w.seen(key)})
				return nil
			})
		}
		_ = group.Wait() // they have none
	}
	one := table{title: fmt.Sprintf("%d steps of load over %d services", stepping*(*rounds), stepping), about: fmt.Sprintf(
		"InferenceAutoscalers of the engine native, and --direct-scrape; the load becomes %d times what it is, from %v requests/s on, and pods are read, and replicas decided, each %v. "+
			"p50, p99.", multiple, rate, often)}
	w.reactions(t, p, steps, &one)
	return one
}

// reactions are taken from the record, and from when the API server told of a new scale.
func (w *world) reactions(t *testing.T, p *process, steps [][]step, out *table) {
	t.Helper()
	var all []reaction
	silent, decided := 0, raises(t, p.on)
	for _, of := range steps {
		for _, s := range of {
			if r, ok := w.reaction(s, decided[s.String()]); ok {
				all = append(all, r)
			} else {
				silent++
			}
		}
	}
	of := func(link func(reaction) time.Duration) (times []time.Duration) {
		for _, r := range all {
			times = append(times, link(r))
		}
		return times
	}
	total := of(func(r reaction) time.Duration { return r.all })
	out.add("step of load → replicas asked, p99", "%.1f s", quantile(.99, total).Seconds(), 3)
	out.say("the same, p50 and most", "%.1f s, %.1f s", quantile(.5, total).Seconds(), quantile(1, total).Seconds())
	for _, part := range []struct {
		what string
		link func(reaction) time.Duration
	}{
		{"scrape: until a pod is read", func(r reaction) time.Duration { return r.read }},
		{"decision: until a raise is decided", func(r reaction) time.Duration { return r.decision }},
		{"write: until the scale is written", func(r reaction) time.Duration { return r.write }},
		{"scheduling and start, made up: until a pod runs", func(r reaction) time.Duration { return r.made }},
		{"readiness, made up: until it serves", func(r reaction) time.Duration { return r.serving }},
	} {
		times := of(part.link)
		out.say(part.what, "%.1f s, %.1f s", quantile(.5, times).Seconds(), quantile(.99, times).Seconds())
	}
	out.say("query, KEDA, HPA", "not on the way")
	out.say("steps answered by a raise within "+round.String(), "%d of %d", len(all), len(all)+silent)
	if len(all) == 0 {
		t.Error("no step of load was answered")
	}
}

// raises are when each service was given more replicas than it had, by a record.
func raises(t *testing.T, folder string) map[string][]time.Time {
	t.Helper()
	all := map[string][]time.Time{}
	for e := range recorded(t, folder) {
		if e.Decision.Replicas > e.Input.Fleet.Desired {
			all[e.Service] = append(all[e.Service], time.Unix(0, 0).Add(e.Now()))
		}
	}
	return all
}

// recorded are the steps in the folders of a record, one folder after the other.
func recorded(t *testing.T, folders ...string) func(func(record.Entry) bool) {
	t.Helper()
	return func(yield func(record.Entry) bool) {
		for _, folder := range folders {
			parts, err := journal.Find(folder, journal.Steps)
			if err != nil {
				t.Fatal(err)
			}
			r := record.NewReader(parts.Readers()...)
			for e, ok := r.Next(); ok; e, ok = r.Next() {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// reaction is of one step; false if no more replicas were asked for before the next.
func (w *world) reaction(s step, decided []time.Time) (r reaction, ok bool) {
	first := func(all []time.Time, after time.Time) time.Time {
		for _, at := range all {
			if !at.Before(after) {
				return at
			}
		}
		return time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	written, before := time.Time{}, 0
	for _, one := range w.scaled[s.NamespacedName] {
		if one.at.After(s.at) && one.replicas > before {
			written = one.at
			break
		}
		before = one.replicas
	}
	raised := first(decided, s.at)
	if written.IsZero() || written.Sub(s.at) > round || raised.IsZero() || raised.After(written) {
		return r, false
	}
	made, serving := first(w.begins[s.NamespacedName], written), first(w.serves[s.NamespacedName], written)
	if made.IsZero() || serving.IsZero() {
		return r, false
	}
	return reaction{written.Sub(s.at), s.seen.Sub(s.at), raised.Sub(s.seen), written.Sub(raised), made.Sub(written), serving.Sub(made)}, true
}
