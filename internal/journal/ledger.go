package journal

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// ErrFull is of a step for which there is no room, also without all that may be removed.
var ErrFull = errors.New("the journal has as many bytes as it may")

// A ledger is how many bytes the files of a journal take, and which may go. The folder of a
// service stays: it may be about to be written to.
type ledger struct {
	most int64 // 0: no bound

	mu     sync.Mutex
	series int64
	open   int64             // in files that are being written
	done   int64             // in the others
	files  map[string][]file // those, by series
}

// openLedger finds what is in a folder, and removes what an earlier process was compressing
// when it ended.
func openLedger(folder string, most int64) (*ledger, error) {
	l := &ledger{most: most, files: map[string][]file{}}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), squeezed):
			return os.Remove(path)
		case !e.IsDir():
			return nil
		}
		for _, kind := range []Kind{Steps, Changes} {
			files, err := list(path, kind)
			if err != nil {
				return err
			}
			l.closed(filepath.Join(path, string(kind)), files, 0)
		}
		return nil
	})
	return l, err
}

// join counts series that will be written.
func (l *ledger) join(series int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.series += series
}

// segment is after how many bytes a file is followed by the next: so few that most of all
// bytes are in files that may go.
func (l *ledger) segment() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most == 0 {
		return 1 << 62
	}
	return max(l.most/4/max(l.series, 1), 4<<10)
}

// closed has the files of a series, none of which is being written any more: so many bytes
// of them were.
func (l *ledger) closed(series string, all []file, written int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open -= written
	l.forgetLocked(series)
	for _, f := range all {
		l.done += f.size
	}
	if len(all) > 0 {
		l.files[series] = all
	}
}

func (l *ledger) forgetLocked(series string) {
	for _, f := range l.files[series] {
		l.done -= f.size
	}
	delete(l.files, series)
}

// take makes room for so many bytes.
func (l *ledger) take(bytes int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.open+l.done+bytes > l.most {
		l.removeLocked(l.most - l.most/16 - bytes)
		if l.open+l.done+bytes > l.most {
			return ErrFull
		}
	}
	l.open += bytes
	return nil
}

// give is of bytes that were taken and are not written.
func (l *ledger) give(bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open -= bytes
}

func (l *ledger) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open + l.done
}

// removeLocked removes the oldest files until no more than so many bytes are left.
func (l *ledger) removeLocked(left int64) {
	type owned struct {
		file
		series string
	}
	var all []owned
	for series, files := range l.files {
		for _, f := range files {
			all = append(all, owned{f, series})
		}
	}
	slices.SortFunc(all, func(a, b owned) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.path, b.path)) })
	for _, f := range all {
		if l.open+l.done <= left {
			return
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // it takes its room still
		}
		l.done -= f.size
		kept := slices.DeleteFunc(l.files[f.series], func(o file) bool { return o.path == f.path })
		if l.files[f.series] = kept; len(kept) == 0 {
			delete(l.files, f.series)
		}
	}
}
