//go:build study

package comparison

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	record = flag.String("record", "", "folder of comparison.md and comparison.svg (default: none)")
	budget = flag.Duration("within", time.Hour*24, "begin nothing after so long, and write the page of what there is")
	ledger = flag.String("ledger", "", "file of what was played (default: nothing is kept)")
)

const command = "make comparison"

// ordered are all tasks, such that the page says most of what there is at any time.
func ordered(all []Workload, seeds int) (tasks []Task) {
	for seed := range seeds {
		for _, days := range []bool{false, true} {
			of := slices.DeleteFunc(slices.Clone(all), func(w Workload) bool { return w.Days != days })
			if days && seed > 0 { // a day is many runs by itself
				continue
			}
			tasks = slices.Concat(tasks, ours(of, seed), theirs(of, seed))
		}
		if seed == 0 && !testing.Short() { // a search is a thousand runs
			tasks = append(tasks, inHindsight(all)...)
		}
	}
	return tasks
}

// runs are how many of the workloads are not judged by day.
func runs(all []Workload) (n int) {
	for _, w := range all {
		if !w.Days {
			n++
		}
	}
	return n
}

func robustness(all []Workload) (tasks []Task) {
	for _, w := range all {
		for _, q := range bent() {
			tasks = append(tasks, Task{Workload: w, Law: "flyball", Promise: q, Seed: firstSeed, Episodes: 2})
		}
	}
	return tasks
}

const firstSeed = 201 // fresh: the study's and those of tests are others

func ours(all []Workload, seed int) (tasks []Task) {
	for _, q := range Promises() {
		for _, w := range all {
			t := Task{Workload: w, Law: "flyball", Promise: q, Seed: firstSeed + seed, Episodes: 2}
			if w.Days {
				t.Episodes, t.Fewer = 1, q == 0.90 || q == 0.95
			}
			tasks = append(tasks, t)
		}
	}
	return tasks
}

func theirs(all []Workload, seed int) (tasks []Task) {
	for _, w := range all {
		for _, law := range w.AsShipped() {
			tasks = append(tasks, Task{Workload: w, Law: law, Promise: 0.95, Seed: firstSeed + seed, Episodes: 1})
		}
	}
	return tasks
}

// inHindsight are those whose best plan is searched for.
func inHindsight(all []Workload) (tasks []Task) {
	for _, w := range all {
		if !slices.Contains([]string{"ramp", "bursts", "conversations"}, w.Name) {
			continue
		}
		for _, q := range []float64{0.90, 0.95, 0.99} {
			tasks = append(tasks, Task{Workload: w, Law: "flyball", Promise: q, Seed: firstSeed, Episodes: 1, Hindsight: true})
		}
	}
	return tasks
}

// TestComparison plays what was not played, and writes the page. With -short it plays one
// seed of two workloads.
func TestComparison(t *testing.T) {
	files, err := filepath.Glob("../simulate/testdata/study/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("reading the scenarios: %d, %v", len(files), err)
	}
	all, err := Read(files)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"tuned", "seen", "judged"}
	slices.SortStableFunc(all, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	robust, err := filepath.Glob("testdata/robust/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	bend, err := Read(robust)
	if err != nil {
		t.Fatal(err)
	}
	seeds := 10
	if testing.Short() {
		seeds = 1
		all = slices.DeleteFunc(all, func(w Workload) bool { return w.Name != "conversations" && w.Name != "ramp" })
	}
	tasks := ordered(all, seeds)
	if !testing.Short() {
		tasks = slices.Insert(tasks, len(Promises())*runs(all), robustness(bend)...)
	}
	l, err := Open(*ledger)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), *budget)
	defer cancel()
	err = l.Play(ctx, tasks, func(task Task) {
		t.Logf("%s at %v: %d of %d after %v", task.Law, task.Promise, n.Add(1), len(tasks), time.Since(began).Round(time.Second))
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	write(t, Page{Ledger: l, Tasks: tasks, Command: command})
}

func write(t *testing.T, p Page) {
	t.Helper()
	if *record == "" {
		t.Log("\n" + p.String())
		return
	}
	picture, err := p.Plot()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"comparison.md": strings.TrimSpace(p.String()) + "\n", "comparison.svg": picture} {
		if err := os.WriteFile(filepath.Join(*record, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
