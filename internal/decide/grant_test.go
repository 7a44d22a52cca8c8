package decide

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

func textOf(t *testing.T, s State) []byte {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// granted steps without a grant, and with one of so many replicas.
func granted(t *testing.T, p Policy, s State, in Input, replicas int) (next State, free, d Decision) {
	t.Helper()
	next, free = Step(p, s, in)
	in.Grant = &budget.Grant{Replicas: replicas, Pool: "pool", Holders: []budget.Holder{{Name: "chat", GPUs: 2}}}
	kept, d := Step(p, s, in)
	if !bytes.Equal(textOf(t, next), textOf(t, kept)) {
		t.Fatalf("what is remembered depends on the grant: %+v and %+v", next, kept)
	}
	if want := min(free.Replicas, max(replicas, in.Fleet.Desired, 0)); d.Replicas != want {
		t.Fatalf("with a grant of %d, of %d that are wanted and %d that there are: %d, want %d", replicas, free.Replicas, in.Fleet.Desired, d.Replicas, want)
	}
	for _, r := range d.Reasons {
		if to, ok := r.Recompute(); !ok || to != r.To {
			t.Fatalf("%+v is recomputed as %d, %v", r, to, ok)
		}
	}
	return next, free, d
}

// INV-10, and INV-2 and INV-3 with a grant: what is expected is of the number that is granted,
// and is what Missed tells of it.
func TestGrant(t *testing.T) {
	p, r := promised(1, 20), rand.New(rand.NewPCG(15, 7))
	p.Settle = time.Minute
	w := lawtest.NewWorld(2)
	var s State
	n, expected := 2, 0
	for range 400 {
		if r.IntN(40) == 0 {
			w.Rate = float64(r.IntN(60))
		}
		w.Pass()
		in := see(w, p, n)
		next, free, d := granted(t, p, s, in, r.IntN(14)-1)
		if share, ok := law.Expected(d.Reasons); ok {
			missed := p.Missed(next, 0, d.Replicas)
			i := len(d.Reasons) - 1 // of the law's own number
			for d.Reasons[i].Rule != law.RuleOutlook {
				i--
			}
			if d.Reasons[i].To != d.Replicas {
				continue // it settles
			}
			expected++
			if missed[0] != 1 || math.Abs(1-missed[d.Replicas]-share) > 1e-12 {
				t.Fatalf("Missed(0, %d) = %v, and the decision expects %v", d.Replicas, missed, share)
			}
		}
		s, n = next, free.Replicas
		w.Scale(n)
	}
	if expected < 100 {
		t.Errorf("only %d decisions expect anything", expected)
	}
	if got := (Policy{}).Missed(s, 1, 2); got != nil {
		t.Errorf("a law that promises nothing: Missed = %v", got)
	}
	if got := p.Missed(State{Law: s.Law}, 3, 2); len(got) > 0 {
		t.Errorf("Missed(3, 2) = %v, want none", got)
	}
}

// A minimum that there are no GPUs for is no reason to take them from others.
func TestGrantBelowMinimum(t *testing.T) {
	p := promised(4, 8)
	in := readBack(t, Input{Fleet: law.Fleet{Desired: 1}, Grant: &budget.Grant{Replicas: 2, Pool: "pool", Holders: []budget.Holder{{Name: "chat", GPUs: 2}}}})
	_, d := Step(p, State{}, in)
	if last := d.Reasons[len(d.Reasons)-1]; d.Replicas != 2 || last.Rule != law.RuleBudget || last.From != 4 {
		t.Errorf("Step = %+v, want 2 of the minimum of 4", d)
	}
}
