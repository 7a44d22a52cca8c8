package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/record"
)

func caughtUp(t *testing.T, folder string, since time.Duration) CaughtUp {
	t.Helper()
	all, err := open(t, Config{Folder: folder}).CatchUp(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// INV-7: who opens the folder again comes to what was remembered, whatever was being written,
// rotated or begun when the one before ended.
func TestCatchUp(t *testing.T) {
	folder, s, r := t.TempDir(), newScaled(), rand.New(rand.NewPCG(3, 3))
	for restart := range 20 {
		j := open(t, Config{Folder: folder, Steps: Bound{24 * time.Hour, 64 << 10}})
		appends(t, j, s, 1+r.IntN(100))
		left, known := s.left(t, folder)
		if !known || left != text(t, s.state) {
			t.Fatalf("after %d restarts: %s, want %s", restart, left, text(t, s.state))
		}
		last := slices.Max(find(t, folder, Steps))
		switch r.IntN(3) {
		case 0: // a line that was being written
			file, err := os.OpenFile(last, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteString(`{"Version":1,"Service":"demo/ll`); err != nil || file.Close() != nil {
				t.Fatal(err)
			}
		case 1: // a file that was begun
			begun := string(Steps) + "-" + time.Unix(0, int64(s.now-1)).UTC().Format(stamp) + suffix
			if err := os.WriteFile(filepath.Join(filepath.Dir(last), begun), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if left, _ := s.left(t, folder); left != text(t, s.state) {
			t.Fatalf("after %d restarts, the last in the middle: %s, want %s", restart, left, text(t, s.state))
		}
	}
}

// left is what a folder says is remembered of it.
func (s *scaled) left(t *testing.T, folder string) (string, bool) {
	t.Helper()
	one, known := caughtUp(t, folder, 0).Left["demo/llama"]
	return text(t, one.State), known
}

func text(t *testing.T, s decide.State) string {
	t.Helper()
	written, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// INV-7: steps from before a time are left alone, what cannot be read is counted and hinders
// nothing, and when there is no time any more the rest is told.
func TestCatchUpBounds(t *testing.T) {
	folder, s := t.TempDir(), newScaled()
	appends(t, open(t, Config{Folder: folder}), s, 5)
	odd := filepath.Join(folder, "demo", "odd")
	if err := os.MkdirAll(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(odd, "steps-20261129T180000.000000000Z"+suffix), []byte("odd\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if all := caughtUp(t, folder, 0); len(all.Left) != 1 || all.Failed != 1 || all.Late != 0 || !strings.HasPrefix(all.Why.Error(), "demo/odd: ") {
		t.Errorf("CatchUp = %+v, want one service, and that demo/odd cannot be read", all)
	}
	if all := caughtUp(t, folder, s.now); len(all.Left) != 0 {
		t.Errorf("of steps from before: %+v", all.Left)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if all, err := open(t, Config{Folder: folder}).CatchUp(ended, 0); err != nil || len(all.Left) != 0 || all.Late != 2 {
		t.Errorf("without time: %+v, %v, want two services late", all, err)
	}
}

// BenchmarkCatchUp is of as many services as one scaler has, in a record of the size that it has
// by default. Of few services there is the most to be read: an hour since the last checkpoint.
func BenchmarkCatchUp(b *testing.B) {
	for services, each := range map[int]int{20: 500, 10_000: 10} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			folder := b.TempDir()
			j, err := Open(Config{Folder: folder, Bytes: 768 << 20})
			if err != nil {
				b.Fatal(err)
			}
			j.ledger.join(2 * int64(services)) // from the beginning
			steps := promised(1000)
			for i := range services {
				for _, s := range steps[i%500 : i%500+each] {
					if err := j.Append(fmt.Sprintf("team-%d/llama-%d", i/500, i), s); err != nil {
						b.Fatal(err)
					}
				}
			}
			for b.Loop() {
				all, err := j.CatchUp(b.Context(), 0)
				if err != nil || len(all.Left) != services {
					b.Fatalf("%d of %d services are caught up, %d failed: %v, %v", len(all.Left), services, all.Failed, all.Why, err)
				}
			}
			b.ReportMetric(float64(j.Size())/(1<<20), "MB")
		})
	}
}

// promised are so many steps of Flyball's own law.
func promised(n int) []record.Step {
	r, w := rand.New(rand.NewPCG(1, 2)), lawtest.NewWorld(2)
	w.Now = began
	p := decide.Policy{Law: promise.Law{
		Bounds: law.Bounds{Min: 1, Max: 8}, Promise: .9, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond,
		Prior: capacity.Known(capacity.Costs{Step: 0.02, Prompt: 1e-6, Sequence: 800e-6, Context: 1e-9}),
	}}
	var state decide.State
	all, replicas := make([]record.Step, n), 2
	for i := range all {
		if i%60 == 0 {
			w.Rate = float64(r.IntN(20))
		}
		w.Pass()
		in := w.Input(p.Law.Needs(), replicas)
		s := record.Step{UID: "u", Policy: p, State: state, Input: decide.Input{Now: in.Now, Readings: in.Readings, Fleet: in.Fleet, Demand: in.Demand}}
		state, s.Decision = decide.Step(p, state, s.Input)
		replicas = s.Decision.Replicas
		w.Scale(replicas)
		all[i] = s
	}
	return all
}
