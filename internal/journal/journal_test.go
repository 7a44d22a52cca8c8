package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

// A service is one that an HPA scales, by what waits.
type scaled struct {
	policy decide.Policy
	state  decide.State
	now    time.Duration
	n      int
	rand   *rand.Rand
}

// began is when the steps of these tests begin.
var began = time.Duration(time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC).UnixNano())

func newScaled() *scaled {
	l := hpa.Law{Metrics: []hpa.Metric{{Kind: hpa.External, Signal: reading.Waiting, Target: hpa.AverageValue, Goal: 2}}}.Defaults()
	l.Max = 9
	return &scaled{policy: decide.Policy{Law: l}, now: began, n: 1, rand: rand.New(rand.NewPCG(1, 1))}
}

func (s *scaled) step() record.Step {
	in := decide.Input{Now: s.now, Fleet: law.Fleet{Desired: s.n, Ready: s.n}}
	in.Readings.Add(reading.Waiting).Total = reading.New(float64(s.rand.IntN(20)), s.now)
	step := record.Step{Policy: s.policy, State: s.state, Input: in}
	s.state, step.Decision = decide.Step(s.policy, s.state, in)
	s.n, s.now = step.Decision.Replicas, step.Decision.Next
	return step
}

func open(t *testing.T, c Config) *Journal {
	t.Helper()
	j, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// appends writes so many steps.
func appends(t *testing.T, j *Journal, s *scaled, steps int) {
	t.Helper()
	for range steps {
		if err := j.Append("demo/llama", s.step()); err != nil {
			t.Fatal(err)
		}
	}
}

func find(t *testing.T, folder string, kinds ...Kind) Parts {
	t.Helper()
	parts, err := Find(folder, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// readAll is how many steps there are, and what could not be read.
func readAll(t *testing.T, folder string, kind Kind) (steps int, damages []record.Damage) {
	t.Helper()
	r := record.NewReader(find(t, folder, kind).Readers()...)
	for _, ok := r.Next(); ok; _, ok = r.Next() {
		steps++
	}
	return steps, r.Damages()
}

// What was written is replayed from the files, also after a restart, and the decisions that
// are news are kept by themselves.
func TestJournal(t *testing.T) {
	folder := t.TempDir()
	s := newScaled()
	for range 2 {
		appends(t, open(t, Config{Folder: folder}), s, 300)
	}
	all, err := record.Replay(record.NewReader(find(t, folder, Steps).Readers()...))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != 600 || all[0].States < 1 {
		t.Errorf("Replay = %+v, %v, want 600 identical decisions", all, err)
	}
	if n, damages := readAll(t, folder, Changes); n < 10 || n >= 600 || len(damages) > 0 {
		t.Errorf("%d changes of 600 steps, %v", n, damages)
	}
	if parts := find(t, folder, Steps); len(parts) != 2 || !strings.HasSuffix(parts[0], compressed) {
		t.Errorf("the files are %v, want two, the first compressed", parts)
	}
}

// INV-2.
func TestBounds(t *testing.T) {
	folder := t.TempDir()
	bound := Bound{Age: 2 * time.Hour, Bytes: 64 << 10}
	j, s := open(t, Config{Folder: folder, Steps: bound, Changes: bound}), newScaled()
	appends(t, j, s, 1500)
	for _, kind := range []Kind{Steps, Changes} {
		files, err := list(filepath.Join(folder, "demo", "llama"), kind)
		if err != nil || len(files) < 2 {
			t.Fatalf("list(%s) = %v, %v, want several", kind, files, err)
		}
		size := int64(0)
		for _, f := range files {
			size += f.size
		}
		newest, err := time.Parse(stamp, files[len(files)-1].begin)
		if err != nil {
			t.Fatal(err)
		}
		oldest := newest.Add(-bound.Age).Format(stamp)
		if most := bound.Bytes + 2*bound.segment(); size > most || files[1].begin < oldest {
			t.Errorf("%s: %d bytes, want %d at most; the second begins at %s, want %s at least", kind, size, most, files[1].begin, oldest)
		}
	}
}

// fill leaves no room in files until free is called.
func fill(t *testing.T, paths []string) (free func()) {
	t.Helper()
	for _, path := range paths {
		if err := errors.Join(os.Rename(path, path+"-aside"), os.Symlink("/dev/full", path)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, path := range paths {
			if err := os.Rename(path+"-aside", path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// C5 of the faults: a disk that is full is an error of each step that is lost, and once
// there is room the journal goes on, with what it had (INV-1).
func TestC5_FullDisk(t *testing.T) {
	folder := t.TempDir()
	j, s := open(t, Config{Folder: folder}), newScaled()
	write := func(n int, want error) {
		t.Helper()
		for range n {
			if err := j.Append("demo/llama", s.step()); !errors.Is(err, want) {
				t.Fatalf("Append = %v, want %v", err, want)
			}
		}
	}
	write(50, nil)
	free := fill(t, find(t, folder, Steps, Changes))
	write(20, syscall.ENOSPC)
	free()
	write(50, nil)
	if n, damages := readAll(t, folder, Steps); n != 100 || len(damages) > 0 {
		t.Errorf("%d steps and %v, want the 100 that there was room for", n, damages)
	}
	all, err := record.Replay(record.NewReader(find(t, folder, Steps).Readers()...))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != 100 {
		t.Errorf("Replay = %+v, %v, want 100 decisions made again", all, err)
	}
}

// C5: whatever lies in the folder is no obstacle to what comes, and what can be read is
// (INV-3).
func TestC5_CorruptDisk(t *testing.T) {
	folder := t.TempDir()
	own := filepath.Join(folder, "demo", "llama")
	s := newScaled()
	j := open(t, Config{Folder: folder})
	appends(t, j, s, 200)
	if err := squeeze(find(t, folder, Steps)[0]); err != nil {
		t.Fatal(err)
	}
	cut := find(t, folder, Steps)[0]
	whole, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		cut: whole[:len(whole)/2],
		filepath.Join(own, "steps-19700101T000000.000000000Z.jsonl"): []byte("\x1f\x8b no gzip"),
		filepath.Join(own, "steps-x.jsonl.gz"):                       []byte("{}\n\x00\x00"),
		filepath.Join(own, "steps-zz"):                               {},
	} {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(own, "steps-19710101T000000.000000000Z.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	appends(t, open(t, Config{Folder: folder}), s, 200)
	n, damages := readAll(t, folder, Steps)
	if n <= 200 || n >= 400 || len(damages) < 4 {
		t.Errorf("%d steps and %v, want more than the 200 last ones and what could not be read", n, damages)
	}
}

// INV-1: where there is no folder to write to, a step is lost and said to be.
func TestC5_NoFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "journal")
	j, s := open(t, Config{Folder: folder}), newScaled()
	if err := os.WriteFile(filepath.Join(folder, "demo"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := j.Append("demo/llama", s.step()); err == nil {
		t.Error("Append where a file stands in place of the folder: no error")
	}
	for _, name := range []string{"", ".", "../x", "/etc"} {
		if err := j.Append(name, s.step()); err == nil {
			t.Errorf("Append(%q): no error", name)
		}
	}
	if err := j.Append("other/llama", s.step()); err != nil {
		t.Errorf("Append beside it: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	if err := j.Append("other/llama", s.step()); err == nil {
		t.Error("Append after the folder was removed: no error")
	}
	if err := j.Append("other/llama", s.step()); err != nil {
		t.Errorf("Append, again: %v", err)
	}
	if _, err := Open(Config{Folder: filepath.Join(folder, "demo")}); err == nil {
		t.Error("Open of a file: no error")
	}
}

// Services are written at the same time.
func TestManyServices(t *testing.T) {
	folder := t.TempDir()
	j := open(t, Config{Folder: folder, Steps: Bound{time.Hour, 64 << 10}})
	var all sync.WaitGroup
	for _, name := range []string{"a/x", "a/y", "b/x"} {
		all.Go(func() {
			s := newScaled()
			for range 300 {
				if err := j.Append(name, s.step()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := record.Replay(record.NewReader(find(t, folder, Steps).Readers()...))
	if err != nil || len(got) != 3 || !got[0].Identical() || !got[2].Identical() {
		t.Errorf("Replay = %+v, %v, want three services", got, err)
	}
}
