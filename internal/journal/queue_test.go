package journal

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/record"
)

// counted is what became of steps.
type counted struct {
	mu  sync.Mutex
	all map[Outcome]int
}

func (c *counted) count(o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[Outcome]int{}
	}
	c.all[o]++
}

// drained runs a queue until nothing waits.
func drained(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func gaps(t *testing.T, folder string) []record.Gap {
	t.Helper()
	r := record.NewReader(find(t, folder, Steps, Changes).Readers()...)
	for _, ok := r.Next(); ok; {
		_, ok = r.Next()
	}
	return r.Gaps()
}

// INV-5: what a full queue does not take is counted, and is a gap before the next step; what
// is written is replayed.
func TestC5_SlowDisk(t *testing.T) {
	folder, s, got := t.TempDir(), newScaled(), &counted{}
	first := s.step()
	q := NewQueue(open(t, Config{Folder: folder}), 10*first.Size(), got.count, slog.New(slog.DiscardHandler))
	q.Put("demo/llama", first)
	for range 29 {
		q.Put("demo/llama", s.step())
	}
	drained(t, q)
	after := s.step()
	q.Put("demo/llama", after)
	drained(t, q)
	if want := map[Outcome]int{Written: 11, Dropped: 20}; !cmp.Equal(got.all, want) {
		t.Errorf("outcomes %v, want %v", got.all, want)
	}
	if got, want := gaps(t, folder), []record.Gap{{Service: "demo/llama", At: after.Now(), Missed: 20}}; !cmp.Equal(got, want) {
		t.Errorf("gaps %v, want %v", got, want)
	}
	all, err := record.Replay(record.NewReader(find(t, folder, Steps).Readers()...))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != 11 {
		t.Errorf("Replay = %+v, %v, want 11 decisions made again", all, err)
	}
}

// INV-5: what the disk does not take is a gap likewise, logged when it begins and when it is
// over.
func TestQueueOnFullDisk(t *testing.T) {
	folder, s, got := t.TempDir(), newScaled(), &counted{}
	var log bytes.Buffer
	q := NewQueue(open(t, Config{Folder: folder}), 1<<20, got.count, slog.New(slog.NewTextHandler(&log, nil)))
	put := func(n int) {
		for range n {
			q.Put("demo/llama", s.step())
		}
		drained(t, q)
	}
	put(5)
	free := fill(t, find(t, folder, Steps, Changes))
	put(7)
	free()
	put(5)
	if want := map[Outcome]int{Written: 10, Failed: 7}; !cmp.Equal(got.all, want) {
		t.Errorf("outcomes %v, want %v", got.all, want)
	}
	if all := gaps(t, folder); len(all) != 1 || all[0].Missed != 7 {
		t.Errorf("gaps %v, want one of 7", all)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "no space left") {
		t.Errorf("log:\n%s, want that decisions are lost, and that they are not any more", &log)
	}
}

// INV-5: steps are written as they come, and the last ones at the end.
func TestQueueRuns(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, got := newScaled(), &counted{}
		q := NewQueue(open(t, Config{Folder: folder}), 1<<20, got.count, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		for range 3 {
			q.Put("demo/llama", s.step())
			<-time.After(time.Second)
			synctest.Wait()
		}
		if n := got.all[Written]; n != 3 {
			t.Errorf("%d steps are written, want 3", n)
		}
		cancel()
		running.Wait()
	})
	if files, err := filepath.Glob(filepath.Join(folder, "demo/llama/*")); err != nil || len(files) != 2 {
		t.Errorf("the files are %v, %v, want one of each log", files, err)
	}
}
