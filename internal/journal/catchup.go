package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/record"
)

// A CaughtUp is how services were left by whoever wrote their steps before.
type CaughtUp struct {
	Left   map[string]record.Left // by NAMESPACE/NAME
	Late   int                    // for which there was no time
	Failed int                    // whose steps do not tell
	Why    error                  // of one that failed
}

// CatchUp makes the decisions again of all services that have steps since a time, until the
// context ends. It is for before the first step is appended.
func (j *Journal) CatchUp(ctx context.Context, since time.Duration) (CaughtUp, error) {
	names, err := j.names()
	if err != nil {
		return CaughtUp{}, fmt.Errorf("reading the journal: %w", err)
	}
	all := CaughtUp{Left: map[string]record.Left{}}
	var mu sync.Mutex
	var workers sync.WaitGroup
	work := make(chan string)
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for name := range work {
				left, err := j.left(name, since)
				mu.Lock()
				switch {
				case errors.Is(err, record.ErrNoSteps): // since then
				case err != nil:
					all.Failed, all.Why = all.Failed+1, fmt.Errorf("%s: %w", name, err)
				default:
					all.Left[name] = left
				}
				mu.Unlock()
			}
		})
	}
	for i, name := range names {
		if ctx.Err() != nil {
			all.Late = len(names) - i
			break
		}
		work <- name
	}
	close(work)
	workers.Wait()
	return all, nil
}

// names are those of the services that have a folder.
func (j *Journal) names() ([]string, error) {
	var all []string
	err := filepath.WalkDir(j.config.Folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		name, err := filepath.Rel(j.config.Folder, path)
		if name = filepath.ToSlash(name); strings.Contains(name, "/") {
			all = append(all, name)
		}
		return err
	})
	return all, err
}

// left is how one service was left: by its newest file, or one before it where that was begun
// and nothing was written. A panic is an error.
func (j *Journal) left(name string, since time.Duration) (left record.Left, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("making its decisions again panicked: %v", r)
		}
	}()
	folder, err := j.folder(name)
	if err != nil {
		return left, err
	}
	files, err := list(folder, Steps)
	if err != nil {
		return left, err
	}
	for _, f := range slices.Backward(files) {
		if f.wrote.Before(time.Unix(0, int64(since))) {
			break
		}
		left, err = record.CatchUp(&part{path: f.path})
		switch {
		case errors.Is(err, record.ErrNoSteps):
			continue
		case err == nil && left.At < since:
			return record.Left{}, record.ErrNoSteps
		}
		return left, err
	}
	return left, record.ErrNoSteps
}
