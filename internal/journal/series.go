package journal

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/record"
)

// A Kind is one of the logs of a service.
type Kind string

// The kinds.
const (
	Steps   Kind = "steps"
	Changes Kind = "changes"
)

const (
	suffix     = ".jsonl"
	compressed = suffix + ".gz"
	squeezed   = ".squeeze-" // begins the name of what is being compressed
	// stamp is a time in a file's name: in the order of the names, also of a simulation's.
	stamp = "20060102T150405.000000000Z"
)

// A series is one log of a service: the files of a kind in its folder.
type series struct {
	folder string
	kind   Kind
	bound  Bound
	ledger *ledger
	// scratch is shared by all, of which one writes at a time: of its own each would keep as
	// much as its longest line.
	scratch *record.Scratch

	path   string // of the file being written; "": none yet
	size   int64
	writer *record.Writer
}

// append writes a step to the file, or to the next one if that has its size.
func (s *series) append(service string, step record.Step) error {
	if s.path == "" || s.size >= min(s.bound.segment(), s.ledger.segment()) {
		if err := s.next(step.Now()); err != nil {
			return err
		}
	}
	err := s.writer.Write(service, step)
	if errors.Is(err, fs.ErrNotExist) { // somebody has removed the folder
		s.path = ""
	}
	return err
}

// next begins a file. What is there already of an earlier process is compressed likewise.
func (s *series) next(now time.Duration) error {
	if err := os.MkdirAll(s.folder, 0o755); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	all, err := list(s.folder, s.kind)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.prune(all, now)
	compress(all)
	if all, err = list(s.folder, s.kind); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.ledger.closed(filepath.Join(s.folder, string(s.kind)), all, s.size)
	s.path = filepath.Join(s.folder, string(s.kind)+"-"+time.Unix(0, int64(now)).UTC().Format(stamp)+suffix)
	s.size, s.writer = 0, s.scratch.NewWriter(s)
	return nil
}

// Write adds to the file, which is open for no longer: thousands of services would have
// thousands of files open.
func (s *series) Write(line []byte) (int, error) {
	if err := s.ledger.take(int64(len(line))); err != nil {
		return 0, err
	}
	n, err := s.write(line)
	s.size += int64(n)
	s.ledger.give(int64(len(line) - n))
	return n, err
}

func (s *series) write(line []byte) (int, error) {
	file, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := file.Write(line)
	return n, errors.Join(err, file.Close())
}

// A file is one of a series.
type file struct {
	path  string
	begin string // its time, as it stands in the name
	size  int64
	wrote time.Time // when it was last written to
}

// list is the files of a kind in a folder, from the oldest to the newest.
func list(folder string, kind Kind) ([]file, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []file
	for _, e := range entries {
		begin, ours := strings.CutPrefix(e.Name(), string(kind)+"-")
		if !ours || !strings.HasSuffix(begin, suffix) && !strings.HasSuffix(begin, compressed) {
			continue
		}
		f := file{path: filepath.Join(folder, e.Name())}
		f.begin, _, _ = strings.Cut(begin, suffix)
		if info, err := e.Info(); err == nil { // gone meanwhile: it takes nothing
			f.size, f.wrote = info.Size(), info.ModTime()
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b file) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(b.path, a.path)) })
	// The whole compressed file comes first, and counts.
	return slices.CompactFunc(all, func(a, b file) bool { return a.begin == b.begin }), nil
}

// prune removes what is too old, and the oldest of what is too much. What cannot be removed
// now is tried again with the next file.
func (s *series) prune(all []file, now time.Duration) {
	oldest := time.Unix(0, int64(now-s.bound.Age)).UTC().Format(stamp)
	size := int64(0)
	for i, f := range slices.Backward(all) {
		size += f.size
		ended := i+1 < len(all) && all[i+1].begin < oldest // the next one begins where it ends
		if ended || size > s.bound.Bytes {
			_ = os.Remove(f.path)
			_ = os.Remove(strings.TrimSuffix(f.path, ".gz")) // of a compression that was killed
		}
	}
}

// compress compresses what is not. Where that fails the file stays as it is, and is read
// likewise.
func compress(all []file) {
	for _, f := range all {
		if strings.HasSuffix(f.path, suffix) {
			_ = squeeze(f.path)
		}
	}
}

// squeeze compresses a file to another one beside it, which takes its place once it is
// whole.
func squeeze(path string) (err error) {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(path), squeezed+"*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // gone already if all went well
	z := gzip.NewWriter(to)
	_, err = io.Copy(z, from)
	if err = errors.Join(err, z.Close(), to.Close()); err != nil {
		return err
	}
	if err := os.Rename(to.Name(), path+".gz"); err != nil {
		return err
	}
	return os.Remove(path)
}
