package record

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// INV-1: a grant is an input like another, and where there is none nothing of it is written.
func TestGrants(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	steps, _ := live(lawtest.NewWorld(2), promised(12), decide.State{}, 900, r)
	var without, with bytes.Buffer
	write(t, NewWriter(&without), "demo/llama", steps)
	if bytes.Contains(without.Bytes(), []byte("Grant")) {
		t.Error("a record without grants says something of them")
	}
	short := 0
	for i := range steps {
		if i/20%2 == 0 { // for some steps, and then not
			continue
		}
		s := &steps[i]
		s.Input.Grant = &budget.Grant{
			Replicas: r.IntN(6), Wanted: s.Decision.Replicas, GPUs: 2, Pool: []string{"cluster", "demo"}[i/60%2], Size: 8,
			Holders: []budget.Holder{{Name: "chat", GPUs: r.IntN(8)}, {Name: "llama", GPUs: 2}}[:r.IntN(3)],
		}
		before := s.Decision.Replicas
		_, s.Decision = decide.Step(s.Policy, s.State, s.Input)
		if s.Decision.Replicas < before {
			short++
		}
	}
	write(t, NewWriter(&with), "demo/llama", steps)
	for i, e := range readAll(NewReader(bytes.NewReader(with.Bytes()))) {
		want := steps[i]
		if !e.Checkpoint {
			want.State = decide.State{}
		}
		if differ(t, want, e.Step) {
			t.Fatalf("entry %d is read as %+v, want %+v", i, e.Input.Grant, want.Input.Grant)
		}
	}
	checkReplay(t, with.Bytes(), len(steps))
	if short < 3 {
		t.Errorf("only %d steps were granted fewer than they wanted", short)
	}
}
