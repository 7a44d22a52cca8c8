package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/reference"
)

// fronted promises what three replicas of a world are asked for.
func fronted() Policy {
	return Policy{Law: promise.Law{
		Bounds: law.Bounds{Min: 3, Max: 3}, Promise: 0.9, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond,
	}}
}

// What requests in front may go by is known once the capacity was identified, and stays so while
// that is in doubt again.
func TestFrontIsKnown(t *testing.T) {
	w, p := lawtest.NewWorld(3), fronted()
	w.Rate = 2 // so little that now and then more than a factor of four is open
	s, n, known, doubted := State{}, 3, false, false
	for w.Now < 10*time.Minute {
		s, n = play(w, p, s, n, w.Now+15*time.Second)
		m, got := s.Law.(promise.State).Model, p.Front(s)
		known = known || m.Doubt == capacity.Identified
		doubted = doubted || known && m.Doubt != capacity.Identified
		if (got != Front{}) != known {
			t.Fatalf("at %v, the capacity is %v: Front = %+v", w.Now, m.Doubt, got)
		}
	}
	if !known || !doubted {
		t.Errorf("the capacity was identified: %v, and in doubt again: %v", known, doubted)
	}
}

// It is what a replica does, and is remembered.
func TestFront(t *testing.T) {
	w, p := lawtest.NewWorld(3), fronted()
	w.Rate = 12
	s, _ := play(w, p, State{}, 3, 10*time.Minute)
	got := p.Front(s)
	// A step takes 20 ms and 0.8 ms for each sequence: with 87 it takes 90 ms.
	if got.TTFT != 3*time.Second || got.Sequences < 78 || got.Sequences > 96 || got.PerToken <= 0 || got.Rest <= 0 {
		t.Errorf("Front = %+v, want about 87 sequences", got)
	}
	if diff := cmp.Diff(got, p.Front(readBack(t, s))); diff != "" {
		t.Errorf("Front of a state that was written down: -want +got\n%s", diff)
	}
	other := Policy{Law: reference.Static{N: 1}}
	if got := other.Front(s); got != (Front{}) {
		t.Errorf("of a law that promises nothing: Front = %+v", got)
	}
}

func TestOrdered(t *testing.T) {
	p, other := fronted(), Policy{Law: reference.Static{N: 1}}
	if l, ok := p.Ordered().Law.(promise.Law); !ok || !l.Ordered || p.Law.(promise.Law).Ordered {
		t.Errorf("Ordered = %+v, of %+v", p.Ordered(), p)
	}
	if diff := cmp.Diff(other, other.Ordered()); diff != "" {
		t.Errorf("Ordered of a law that promises nothing: -want +got\n%s", diff)
	}
}
