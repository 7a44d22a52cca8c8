package promise

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// Who goes on after a gap knows what a replica does, takes nothing that came meanwhile for
// what came at once or not at all, and lets nothing go before a start and a drain.
func TestResumed(t *testing.T) {
	l := exampleLaw()
	w := lawtest.NewWorld(6)
	w.Rate = 12
	kept, n := play(w, l, nil, 6, 30*time.Minute)
	for w.Now < 40*time.Minute { // nobody looks
		w.Pass()
	}
	w.Rate = 2 // six are too many now
	s := kept.(State).Resumed(w.Now)
	if s.Model.Capacity != kept.(State).Model.Capacity || s.Model.Capacity == 0 {
		t.Fatalf("a capacity of %v became %v", kept.(State).Model.Capacity, s.Model.Capacity)
	}
	var memory law.State = s
	until := w.Now + s.lead() + s.out() - lawtest.Every
	if _, got := play(w, l, memory, n, until); got < n {
		t.Errorf("%d replicas became %d within a start and a drain", n, got)
	}
	w.Rate = 12
	memory, _ = play(w, l, memory, n, w.Now+2*time.Minute)
	s = memory.(State)
	if rate := s.rate(); rate > 15 {
		t.Errorf("12 requests per second after a gap are taken for %v", rate)
	}
	text, err := json.Marshal(kept.(State).Resumed(w.Now))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	t.Logf("to be kept: %d bytes, %d packed", len(text), packed.Len())
	if packed.Len() > 8<<10 {
		t.Errorf("%d bytes packed after half an hour, want 8 KiB at most", packed.Len())
	}
}
