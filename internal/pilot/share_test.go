package pilot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/record"
)

// scarce is a world whose services, of one GPU for each replica, share so many; set changes that.
func scarce(gpus *int, names ...string) *world {
	w := newWorld(names...)
	for i := range w.subjects {
		w.subjects[i].GPUs = 1
	}
	w.cfg.Pools = func(context.Context) []budget.Pool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return []budget.Pool{{Name: "budget", Namespace: "demo", GPUs: *gpus}}
	}
	return w
}

// answers are the replicas of each service, those that are short with a mark.
func (w *world) answers(t *testing.T) string {
	t.Helper()
	text := ""
	for _, s := range w.subjects {
		a, _ := w.cfg.Book.Answer(s.Service)
		text += fmt.Sprintf("%s=%d", s.Name, a.Replicas)
		if a.Grant != nil {
			text += "!"
		}
	}
	return text
}

// checkSteps wants that each step can be made again, and one of each service in a tick.
func checkSteps(t *testing.T, w *world, want int) []record.Step {
	t.Helper()
	steps, _ := w.done()
	if len(steps) != want {
		t.Errorf("%d steps are recorded, want %d", len(steps), want)
	}
	for _, s := range steps {
		if _, d := decide.Step(s.Policy, s.State, s.Input); !record.Same(d, s.Decision) {
			t.Errorf("%+v is decided of %+v, and recorded was %+v", d, s.Input, s.Decision)
		}
	}
	return steps
}

// INV-8: 4 replicas run of each.
func TestShare(t *testing.T) {
	gpus := 10
	w := scarce(&gpus, "a", "b")
	run(t, w, func(*pilot.Pilot) {
		for _, step := range []struct {
			what      string
			change    func()
			want      string
			limited   string
			recording int
		}{
			{"all that there is", func() { w.running[named("a")], w.running[named("b")] = 5, 5 }, "a=5b=5", "", 4},
			{"what is handed out stays", func() { w.running[named("b")] = 8; w.subjects[1].Priority = 9 }, "a=5b=5!", "a has 5, b 5", 6},
			{"more GPUs", func() { gpus, w.running[named("a")] = 12, 8 }, "a=5!b=7!", "", 8},
			{"a wants fewer", func() { w.running[named("a")] = 4 }, "a=4b=8", "", 10},
			{"none is cut", func() { gpus = 2 }, "a=4b=8", "", 12},
			{"a wants more", func() { w.running[named("a")] = 5 }, "a=4!b=8", "", 14},
			{"b only advises", func() { gpus, w.subjects[1].Advised = 6, true }, "a=5b=8", "", 16},
		} {
			w.set(step.change)
			ticks(1)
			if got := w.answers(t); got != step.want {
				t.Errorf("%s: %s, want %s", step.what, got, step.want)
			}
			checkSteps(t, w, step.recording)
		}
	})
	steps := checkSteps(t, w, 16)
	short := steps[5]
	if short.Input.Grant == nil {
		short = steps[4]
	}
	want := &budget.Grant{Replicas: 5, Wanted: 8, GPUs: 1, Pool: "budget", Size: 10, Holders: []budget.Holder{{Name: "a", GPUs: 5}, {Name: "b", GPUs: 5}}}
	last := short.Decision.Reasons[len(short.Decision.Reasons)-1]
	if diff := cmp.Diff(want, short.Input.Grant); diff != "" || last.Rule != law.RuleBudget || last.From != 8 || last.To != 5 {
		t.Errorf("%+v; the grant: -want +got\n%s", last, diff)
	}
}

// INV-8: without pools a step is as it would be, to the byte.
func TestWithoutPools(t *testing.T) {
	var recorded []string
	gpus := 100
	for _, w := range []*world{newWorld("a"), scarce(&gpus, "a"), newWorld("a")} {
		if len(recorded) == 2 {
			w.cfg.Pools = func(context.Context) []budget.Pool { return nil }
		}
		run(t, w, func(*pilot.Pilot) { ticks(3) })
		text, err := json.Marshal(checkSteps(t, w, 4))
		if err != nil {
			t.Fatal(err)
		}
		recorded = append(recorded, string(text))
	}
	if recorded[0] != recorded[1] || recorded[0] != recorded[2] {
		t.Errorf("recorded are %q, want three times the same", recorded)
	}
}

// INV-8: between two ticks too, by what was handed out.
func TestShareNudged(t *testing.T) {
	gpus := 11
	w := scarce(&gpus, "a", "b")
	w.running = map[pilot.Service]float64{}
	run(t, w, func(p *pilot.Pilot) {
		nudge := func(name string, held int) {
			w.set(func() { w.held[named(name)] = held })
			p.Nudge(named(name))
			synctest.Wait()
		}
		nudge("a", 6)
		nudge("b", 8)
		if got, want := w.answers(t), "a=6b=5!"; got != want {
			t.Errorf("nudged: %s, want %s", got, want)
		}
		w.set(func() {
			w.subjects = append(w.subjects, pilot.Subject{Service: named("c"), UID: "c", GPUs: 1, Policy: w.subjects[0].Policy})
		})
		nudge("c", 2)
		if got, want := w.answers(t), "a=6b=5!c=0!"; got != want {
			t.Errorf("one that was in no tick is nudged: %s, want %s", got, want)
		}
		w.set(func() { gpus = 13 })
		ticks(1)
		if got, want := w.answers(t), "a=6b=7!c=0!"; got != want {
			t.Errorf("at the next tick: %s, want %s", got, want)
		}
	})
	checkSteps(t, w, 8)
}

// A service whose step panics keeps what it was granted.
func TestSharePanic(t *testing.T) {
	gpus := 12
	w := scarce(&gpus, "a", "b")
	run(t, w, func(*pilot.Pilot) {
		w.set(func() { w.running[named("a")] = 6 })
		ticks(1)
		w.set(func() { w.subjects[0].Policy.Law, w.running[named("b")] = following{Panics: true}, 8 })
		ticks(2)
		if got, want := w.answers(t), "a=6b=6!"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
