package journal

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/record"
)

// onDisk is how many bytes the files below a folder have.
func onDisk(t *testing.T, folder string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// within writes steps of a service, after each of which the journal is within its bound.
func within(t *testing.T, j *Journal, s *scaled, name string) {
	t.Helper()
	for range 200 {
		if err := j.Append(name, s.step()); err != nil {
			t.Fatal(err)
		}
		if size := j.Size(); size > j.config.Bytes {
			t.Fatalf("%s: %d bytes, want %d at most", name, size, j.config.Bytes)
		}
	}
}

// INV-4: however many services there are, what is there is the newest, and no more than it
// may be; also of what an earlier process has left.
func TestTotal(t *testing.T) {
	folder := t.TempDir()
	const most = 128 << 10
	left := filepath.Join(folder, "team-0", "llama", squeezed+"1")
	for process := range 2 {
		j := open(t, Config{Folder: folder, Bytes: most})
		for i := range 5 {
			s := newScaled()
			s.now += time.Duration(process) * 24 * time.Hour
			within(t, j, s, fmt.Sprintf("team-%d/llama", i))
		}
		if size, told := onDisk(t, folder), j.Size(); size != told || size < most/2 {
			t.Errorf("process %d: %d bytes in files, told %d, want that, and more than half of %d", process, size, told, most)
		}
		if process == 0 {
			if err := os.WriteFile(left, []byte("half of a file"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left of a compression is still there")
	}
	n, damages := readAll(t, folder, Steps)
	if n < 500 || len(damages) > 0 {
		t.Errorf("%d steps and %v, want what there was room for", n, damages)
	}
}

// INV-4: where nothing may go a step is refused, and said to be.
func TestNoRoom(t *testing.T) {
	j, s := open(t, Config{Folder: t.TempDir(), Bytes: 100}), newScaled()
	if err := j.Append("demo/llama", s.step()); err == nil || !strings.Contains(err.Error(), ErrFull.Error()) {
		t.Errorf("Append = %v, want %v", err, ErrFull)
	}
	if size := j.Size(); size != 0 {
		t.Errorf("%d bytes, want none", size)
	}
	if _, err := record.Replay(record.NewReader(find(t, j.config.Folder, Steps).Readers()...)); err != nil {
		t.Error(err)
	}
}
