package comparison

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Ledger keeps what was played, in a file of one task a line that only grows: a comparison
// that was stopped goes on where it was.
type Ledger struct {
	file   string
	mu     sync.Mutex
	played map[string][]Part
}

type entry struct {
	Key   string
	Parts []Part
}

// Open reads a ledger, which begins empty if there is none. A last line that was not written
// in full is left out. Without a file nothing is kept.
func Open(file string) (*Ledger, error) {
	l := &Ledger{file: file, played: map[string][]Part{}}
	if file == "" {
		return l, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was played: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			l.played[e.Key] = e.Parts
		}
	}
	return l, lines.Err()
}

// Parts are those of a task; none of one that was not played.
func (l *Ledger) Parts(t Task) []Part {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.played[t.key()]
}

// Play plays those tasks that were not, on all cores, in their order; done is called after each.
// It begins none once the context has ended.
func (l *Ledger) Play(ctx context.Context, tasks []Task, done func(Task)) error {
	var next atomic.Int64
	var all sync.WaitGroup
	failed := make([]error, runtime.GOMAXPROCS(0))
	for worker := range failed {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(tasks) && ctx.Err() == nil && failed[worker] == nil; i = int(next.Add(1)) - 1 {
				if l.Parts(tasks[i]) == nil {
					failed[worker] = l.play(tasks[i])
					done(tasks[i])
				}
			}
		})
	}
	all.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

func (l *Ledger) play(t Task) error {
	parts, err := t.Play()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.played[t.key()] = parts
	if l.file == "" {
		return nil
	}
	line, err := json.Marshal(entry{t.key(), parts})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("writing what was played: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
