package pilot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/advice"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

// following asks for as many replicas as requests run, and holds without a reading.
type following struct{ Panics bool }

func (following) Name() string            { return "following" }
func (following) Needs() []reading.Signal { return []reading.Signal{reading.Running} }
func (l following) Step(_ law.State, in law.Input) (law.State, law.Output) {
	var none []int
	if l.Panics {
		none[0]++
	}
	out := in.Start(time.Second)
	out.Counted = law.Counted{Promised: .9, Requests: 10, Missed: 1}
	if r := in.Readings.Of(reading.Running).Total; r.Usable() {
		return nil, out.By(law.RuleStatic, law.Replicas(law.TermReplicas, int(r.Value)))
	}
	if in.Demand.Held > 0 {
		return nil, out.By(law.RuleFromZero, law.Replicas(law.TermReplicas, in.Demand.Held))
	}
	return nil, out.Held(law.RuleNoData)
}

// A world is all around a pilot.
type world struct {
	mu       sync.Mutex
	subjects []pilot.Subject
	lost     error // it cannot be told which there are
	running  map[pilot.Service]float64
	ofPods   []reading.Reading // of each service
	held     map[pilot.Service]int
	read     func(context.Context) error // nil: at once
	asked    int
	steps    []record.Step
	log      bytes.Buffer
	cfg      pilot.Config
}

const every = 4 * time.Second

func named(name string) pilot.Service { return pilot.Service{Namespace: "demo", Name: name} }

func newWorld(names ...string) *world {
	w := &world{running: map[pilot.Service]float64{}, held: map[pilot.Service]int{}}
	for _, name := range names {
		w.subjects = append(w.subjects, pilot.Subject{
			Service: named(name), UID: name, Policy: decide.Policy{Law: following{}, Bounds: law.Bounds{Max: 8}}, Fleet: law.Fleet{Desired: 4},
		})
		w.running[named(name)] = 3
	}
	w.cfg = pilot.Config{
		Every: every, Roster: w, Source: w, Demand: w.demand, Recorder: w, Book: pilot.NewBook(), Now: time.Now,
		Remembered: func(pilot.Service, string) (pilot.Memory, bool) { return pilot.Memory{}, false },
		Log:        slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	return w
}

func (w *world) All(context.Context) ([]pilot.Subject, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.subjects), w.lost
}

func (w *world) Of(ctx context.Context, s pilot.Service) (pilot.Subject, bool) {
	all, _ := w.All(ctx)
	for _, one := range all {
		if one.Service == s {
			return one, true
		}
	}
	return pilot.Subject{}, false
}

func (w *world) Read(ctx context.Context, now time.Time, pods map[pilot.Service][]string) (map[pilot.Service]reading.Set, error) {
	w.mu.Lock()
	w.asked++
	read, sets := w.read, map[pilot.Service]reading.Set{}
	for s := range pods {
		if n, ok := w.running[s]; ok {
			var set reading.Set
			of := set.Add(reading.Running)
			of.Total, of.Pods = reading.New(n, now.Sub(time.Unix(0, 0))), w.ofPods
			sets[s] = set
		}
	}
	w.mu.Unlock()
	if read != nil {
		return sets, read(ctx)
	}
	return sets, nil
}

func (w *world) demand(s pilot.Service) demand.Demand {
	w.mu.Lock()
	defer w.mu.Unlock()
	return demand.Demand{Work: demand.Work{Held: w.held[s]}, Gateways: 1}
}

func (w *world) Record(_ pilot.Service, s record.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, s)
}

// run is a bubble with a pilot in it.
func run(t *testing.T, w *world, f func(p *pilot.Pilot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, err := pilot.New(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = p.Run(ctx) })
		synctest.Wait()
		f(p)
		cancel()
		running.Wait()
	})
}

// ticks lets so many go by, in a bubble.
func ticks(n int) {
	<-time.After(time.Duration(n) * every)
	synctest.Wait()
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// done are the steps so far, and how often the source was asked.
func (w *world) done() (steps []record.Step, asked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.steps), w.asked
}

func (w *world) replicas(t *testing.T, s pilot.Service) int {
	t.Helper()
	a, ok := w.cfg.Book.Answer(s)
	if !ok {
		t.Fatalf("no answer for %v", s)
	}
	return a.Replicas
}

// INV-1 and INV-3: every service once in a tick, and the answer is of that tick.
func TestTick(t *testing.T) {
	w := newWorld("a", "b", "c")
	run(t, w, func(*pilot.Pilot) {
		w.set(func() { w.running[named("b")] = 7 })
		ticks(2)
		steps, _ := w.done()
		if a, b := w.replicas(t, named("a")), w.replicas(t, named("b")); a != 3 || b != 7 || len(steps) != 9 {
			t.Errorf("after two ticks %d and %d replicas by %d steps, want 3 and 7 by 9", a, b, len(steps))
		}
		<-time.After(time.Second)
		if a, _ := w.cfg.Book.Answer(named("a")); time.Since(a.At) != time.Second {
			t.Errorf("an answer of a tick 1 s ago is %v old", time.Since(a.At))
		} else if want := (law.Counted{Promised: .9, Requests: 30, Missed: 3}); a.Kept != want {
			t.Errorf("after three steps %+v is counted, want %+v", a.Kept, want)
		}
		if _, ok := w.cfg.Book.Answer(named("d")); ok {
			t.Error("an answer without a step")
		}
	})
}

// INV-1 and INV-2: a source that hangs, errs, panics, or comes back late makes a tick
// without readings, within its deadline, and is never asked twice at once.
func TestSource(t *testing.T) {
	back := make(chan struct{})
	for what, read := range map[string]func(context.Context) error{
		"did not answer within 3s": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"asking: refused":          func(context.Context) error { return errors.New("asking: refused") },
		"the source panicked":      func(context.Context) error { var none []int; none[0]++; return nil },
		"not come back":            func(context.Context) error { <-back; return nil },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld("a", "b")
			run(t, w, func(*pilot.Pilot) {
				back = make(chan struct{})
				w.set(func() {
					w.read = read
					clear(w.running)
				})
				_, before := w.done()
				ticks(10)
				steps, asked := w.done()
				for _, s := range steps[len(steps)-4:] {
					if s.Decision.Replicas != 4 || s.Decision.Reasons[0].Rule != law.RuleNoData || len(s.Input.Readings) > 0 {
						t.Errorf("without readings: %+v", s)
					}
				}
				if n := asked - before; what == "not come back" && n != 1 {
					t.Errorf("a source that has not come back was asked %d times", n)
				}
				if a, _ := w.cfg.Book.Answer(named("b")); time.Since(a.At) > every {
					t.Errorf("the last answer is %v old", time.Since(a.At))
				}
				close(back)
				w.set(func() {
					w.read = nil
					w.running[named("a")], w.running[named("b")] = 5, 5
				})
				ticks(3)
				if got := w.replicas(t, named("b")); got != 5 {
					t.Errorf("when the source answers again: %d replicas, want 5", got)
				}
			})
			if said := w.log.String(); strings.Count(said, what) != 1 || !strings.Contains(said, "the source answers again") {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// INV-1: what came in time is used, however late the tick is scheduled to take it.
func TestSourceInTime(t *testing.T) {
	const n = 3000
	w := newWorld("a")
	run(t, w, func(*pilot.Pilot) { ticks(n) })
	steps, asked := w.done()
	without := 0
	for _, s := range steps {
		if len(s.Input.Readings) == 0 {
			without++
		}
	}
	if without > 0 || len(steps) != asked || asked < n || w.log.Len() > 0 {
		t.Errorf("%d of %d steps were without readings, the source was asked %d times; the log says %s", without, len(steps), asked, w.log.String())
	}
}

// INV-1: what panics in one service's step is its own trouble.
func TestPanic(t *testing.T) {
	w := newWorld("a", "b")
	run(t, w, func(*pilot.Pilot) {
		w.set(func() {
			w.subjects[0].Policy.Law = following{Panics: true}
			w.running[named("a")], w.running[named("b")] = 6, 6
		})
		ticks(3)
		if a, b := w.replicas(t, named("a")), w.replicas(t, named("b")); a != 3 || b != 6 {
			t.Errorf("%d and %d replicas, want the last 3 and 6", a, b)
		}
		if a, _ := w.cfg.Book.Answer(named("a")); time.Since(a.At) != 3*every {
			t.Errorf("the answer is %v old, want its true age", time.Since(a.At))
		}
	})
	if said := w.log.String(); strings.Count(said, "a step panicked") != 1 || !strings.Contains(said, "demo/a") {
		t.Errorf("the log says %s", said)
	}
}

// A service of which requests begin to wait is stepped at once, also while the source
// hangs, by what was read at the last tick.
func TestNudge(t *testing.T) {
	w := newWorld("a", "b")
	w.running = map[pilot.Service]float64{}
	run(t, w, func(p *pilot.Pilot) {
		w.set(func() { w.read = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
		ticks(1)
		<-time.After(time.Second)
		w.set(func() { w.held[named("a")] = 6 })
		changed := w.cfg.Book.Changed()
		p.Nudge(named("a"))
		p.Nudge(named("a"))
		p.Nudge(named("unknown"))
		synctest.Wait()
		select {
		case <-changed:
		default:
			t.Error("nothing changed")
		}
		b, _ := w.cfg.Book.Answer(named("b"))
		if time.Since(b.At) == 0 {
			t.Error("another service was stepped too")
		}
		if a, _ := w.cfg.Book.Answer(named("a")); a.Replicas != 6 || a.Was != 4 || time.Since(a.At) != 0 {
			t.Errorf("%+v, want 6 replicas at once, where there were 4", a)
		}
	})
}

// INV-4: until Settle is over nothing goes, whatever was remembered.
func TestSettle(t *testing.T) {
	w := newWorld("a")
	w.cfg.Settle = 3 * every
	w.cfg.Remembered = func(pilot.Service, string) (pilot.Memory, bool) {
		return pilot.Memory{State: decide.State{Name: "following", Raised: 2, Settled: time.Hour}}, true
	}
	run(t, w, func(*pilot.Pilot) {
		ticks(2)
		steps, _ := w.done()
		if got := w.replicas(t, named("a")); got != 4 || steps[0].State.Raised != 2 {
			t.Errorf("after two ticks %d replicas, from %+v, want the 4 there are", got, steps[0].State)
		}
		ticks(1)
		if got := w.replicas(t, named("a")); got != 3 {
			t.Errorf("when it has settled: %d replicas, want 3", got)
		}
	})
}

// INV-5 and INV-6.
func TestComeAndGo(t *testing.T) {
	w := newWorld("a", "b")
	w.cfg.Settle = 2 * every
	run(t, w, func(p *pilot.Pilot) {
		ticks(3)
		if got := w.replicas(t, named("a")); got != 3 {
			t.Fatalf("%d replicas, want 3", got)
		}
		gone := w.cfg.Book.Changed()
		w.set(func() {
			w.subjects = w.subjects[:1]
			w.subjects[0].UID = "another"
		})
		ticks(1)
		select {
		case <-gone:
		default:
			t.Error("nobody hears that b is gone")
		}
		if _, ok := w.cfg.Book.Answer(named("b")); ok {
			t.Error("an answer for a service that is gone")
		}
		if got := w.replicas(t, named("a")); got != 4 {
			t.Errorf("another object of that name: %d replicas, want the 4 there are, until it has settled", got)
		}
		if all := p.States(); len(all) != 1 || all[0].UID != "another" || all[0].State.Name != "following" {
			t.Errorf("to be remembered: %+v", all)
		}
	})
}

// INV-7.
func TestCompared(t *testing.T) {
	w := newWorld("a", "b")
	for i := range w.subjects {
		w.subjects[i].Policy.Law = promise.Law{Promise: .9}
		w.subjects[i].Advised = i == 0
	}
	before := advice.Tally{Version: advice.Version, Terms: advice.Terms{Promise: .9}}
	w.cfg.Remembered = func(pilot.Service, string) (pilot.Memory, bool) {
		before.Days = []advice.Day{{Number: int(reading.SinceEpoch(time.Now()) / (24 * time.Hour)), Parts: advice.Parts{More: advice.Part{Took: time.Hour}}}}
		return pilot.Memory{Tally: before}, true
	}
	run(t, w, func(p *pilot.Pilot) {
		ticks(1)
		for _, m := range p.States() {
			a, _ := w.cfg.Book.Answer(m.Service)
			all, compared := a.Tally.Total()
			if compared != (m.Name == "a") || compared && all.More.Took != time.Hour || cmp.Diff(a.Tally, m.Tally) != "" || compared && m.Tally.Last.At != reading.SinceEpoch(time.Now()) {
				t.Errorf("%s: %+v, to be remembered %+v; want the hour of before, of a alone", m.Name, a.Tally, m.Tally)
			}
		}
		w.set(func() { w.subjects[0].Advised = false })
		ticks(1)
		if a, _ := w.cfg.Book.Answer(named("a")); a.Tally.Version != 0 {
			t.Errorf("when Flyball scales it: %+v, want none", a.Tally)
		}
	})
}

// Where it cannot be told which services there are, none is forgotten.
func TestLost(t *testing.T) {
	w := newWorld("a")
	run(t, w, func(p *pilot.Pilot) {
		w.set(func() { w.subjects, w.lost = nil, errors.New("the cache is empty") })
		ticks(3)
		a, ok := w.cfg.Book.Answer(named("a"))
		if !ok || a.UID != "a" || time.Since(a.At) != 3*every || len(p.States()) != 1 {
			t.Errorf("%+v, %v, want the last answer with its age", a, ok)
		}
	})
}

func TestCopy(t *testing.T) {
	one, other := pilot.NewBook(), pilot.NewBook()
	one.Copy(map[pilot.Service]pilot.Answer{named("a"): {Replicas: 2}, named("b"): {Replicas: 3}})
	other.Copy(one.All())
	changed := other.Changed()
	other.Copy(one.All())
	select {
	case <-changed:
		t.Error("the same numbers are told as a change")
	default:
	}
	other.Copy(map[pilot.Service]pilot.Answer{named("a"): {Replicas: 2}})
	<-changed
	if got := fmt.Sprint(other.All()); !strings.HasPrefix(got, "map[demo/a:{ 2 ") {
		t.Errorf("All() = %s", got)
	}
}

// INV-3: who follows a service hears of its own changes, many at once as one, and of no other's.
func TestFollow(t *testing.T) {
	b := pilot.NewBook()
	changed, stop := b.Follow(named("a"))
	_, leave := b.Follow(named("a"))
	leave()
	others := 0 // replicas of b, which change each time
	at := func(a pilot.Answer) map[pilot.Service]pilot.Answer {
		others++
		return map[pilot.Service]pilot.Answer{named("a"): a, named("b"): {Replicas: others}}
	}
	for _, c := range []struct {
		what string
		do   func()
		want int
	}{
		{"the first decision", func() { b.Copy(at(pilot.Answer{UID: "u", Replicas: 2})) }, 1},
		{"the same again, later", func() { b.Copy(at(pilot.Answer{UID: "u", Replicas: 2, At: time.Now()})) }, 0},
		{"another one's", func() { b.Tell(named("b")) }, 0},
		{"another number", func() { b.Copy(at(pilot.Answer{UID: "u", Replicas: 3})) }, 1},
		{"another object", func() { b.Copy(at(pilot.Answer{UID: "v", Replicas: 3})) }, 1},
		{"it is told", func() { b.Tell(named("a")); b.Tell(named("a")) }, 1},
		{"it is forgotten", func() { b.Copy(nil) }, 1},
		{"nobody follows", func() { stop(); b.Copy(at(pilot.Answer{UID: "v", Replicas: 4})) }, 0},
	} {
		c.do()
		if got := len(changed); got != c.want {
			t.Errorf("%s: heard of %d changes, want %d", c.what, got, c.want)
		}
		for len(changed) > 0 {
			<-changed
		}
	}
}

func TestConfig(t *testing.T) {
	for what, change := range map[string]func(*pilot.Config){
		"a time between": func(c *pilot.Config) { c.Every = 0 },
		"below 0":        func(c *pilot.Config) { c.Settle = -1 },
		"a clock":        func(c *pilot.Config) { c.Now = nil },
	} {
		c := newWorld().cfg
		change(&c)
		if _, err := pilot.New(c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("New = %v, want %q", err, what)
		}
	}
}

// A pod that has just become ready is not told as unread.
func TestPodsNotRead(t *testing.T) {
	w := newWorld("a")
	run(t, w, func(*pilot.Pilot) {
		now := reading.SinceEpoch(time.Now())
		w.set(func() {
			for _, ago := range []time.Duration{time.Hour, 2 * time.Minute, 20 * time.Second, 20 * time.Second} {
				w.subjects[0].Fleet.Pods = append(w.subjects[0].Fleet.Pods, law.Pod{Phase: law.PodRunning, Ready: true, ChangedAt: now - ago})
			}
			w.ofPods = []reading.Reading{reading.New(1, now), {}, {}, reading.New(1, now)}
		})
		for _, want := range []int{3, 4} { // now, and when the third has been ready for long enough
			ticks(1)
			if a, _ := w.cfg.Book.Answer(named("a")); a.Pods != want || a.Read != 2 {
				t.Errorf("%d of %d pods are read, want 2 of %d", a.Read, a.Pods, want)
			}
			ticks(10)
		}
	})
}
