package record

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// INV-6: wherever a log ends, also within a line, what was remembered after its last whole line
// is known, to the bit.
func TestCatchUp(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		steps, last := live(lawtest.NewWorld(1+r.IntN(4)), promised(9), decide.State{}, 800, r) // longer than an hour
		after := func(i int) decide.State {
			if i+1 < len(steps) {
				return steps[i+1].State
			}
			return last
		}
		var log bytes.Buffer
		var ends []int // of each line
		w, begun := NewWriter(&log), r.IntN(len(steps))
		for i := range steps {
			if i == begun { // by another process
				w = NewWriter(&log)
			}
			steps[i].UID = "u"
			write(t, w, "demo/llama", steps[i:i+1])
			ends = append(ends, log.Len())
		}
		for range 8 {
			whole := r.IntN(len(steps))
			cut := ends[whole]
			if whole+1 < len(ends) {
				cut += r.IntN(ends[whole+1]-cut-1) - r.IntN(2) // its end need not be there
			}
			left, err := CatchUp(bytes.NewReader(log.Bytes()[:cut]))
			if err != nil {
				t.Fatalf("seed %d, %d whole lines: %v", seed, whole+1, err)
			}
			same, err := sameState(left.State, after(whole))
			if err != nil || !same || left.UID != "u" || left.At != steps[whole].Now() {
				t.Fatalf("seed %d, %d whole lines: caught up to another state, or to %v of %q, want %v: %v", seed, whole+1, left.At, left.UID, steps[whole].Now(), err)
			}
		}
	}
}

// INV-6: where it is not known what was remembered, it says why.
func TestCannotCatchUp(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(2), promised(9), decide.State{}, 4, rand.New(rand.NewPCG(1, 1)))
	logOf := func(steps ...Step) string {
		var log bytes.Buffer
		write(t, NewWriter(&log), "demo/llama", steps)
		return log.String()
	}
	another := steps[2]
	another.Decision.Replicas++
	whole := logOf(steps...)
	for what, c := range map[string]struct{ log, want string }{
		"nothing":                 {"", ErrNoSteps.Error()},
		"half a line":             {whole[:100], ErrNoSteps.Error()},
		"no state":                {logOf(steps[0].Shorten()), ErrBrief.Error()},
		"no checkpoint":           {whole[strings.Index(whole, "\n")+1:], "without a checkpoint"},
		"a line that was changed": {strings.Replace(whole, `"InputChanges":"`, `"InputChanges":"x `, 1), "since the last checkpoint"},
		"another version":         {strings.Replace(whole, `{"Version":1`, `{"Version":99`, 1), "version 99"},
		"another law":             {logOf(steps[0], steps[1], another), "another law"},
	} {
		if left, err := CatchUp(strings.NewReader(c.log)); err == nil || !strings.Contains(err.Error(), c.want) || !cmp.Equal(left, Left{}) {
			t.Errorf("%s: CatchUp = %+v, %v, want an error with %q", what, left, err, c.want)
		}
	}
	if _, err := CatchUp(strings.NewReader("")); !errors.Is(err, ErrNoSteps) {
		t.Errorf("of nothing: %v, want ErrNoSteps", err)
	}
}

// Steps of another object begin with a checkpoint, which says whose they are.
func TestAnotherObject(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(2), promised(9), decide.State{}, 4, rand.New(rand.NewPCG(1, 1)))
	for i := range steps {
		steps[i].UID = []string{"u", "v"}[i/2]
	}
	var log bytes.Buffer
	write(t, NewWriter(&log), "demo/llama", steps)
	for i, e := range readAll(NewReader(&log)) {
		if want := []string{"u", "v"}[i/2]; e.UID != want || e.Checkpoint != (i%2 == 0 || steps[i].Now()%time.Hour == 0) {
			t.Errorf("step %d is of %q, a checkpoint: %v; want %q, and one where another begins", i, e.UID, e.Checkpoint, want)
		}
	}
}
