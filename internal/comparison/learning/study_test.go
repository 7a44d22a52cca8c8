//go:build study

package learning

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

var folder = flag.String("record", "", "folder of learning.md and learning.svg (default: none)")

const seeds = 5

// TestLearning plays all services of the page, and writes it.
func TestLearning(t *testing.T) {
	profiles, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	engines := Engines(names)
	p := Page{Command: "make learning", Engines: len(engines), Seeds: seeds}
	for _, prior := range Priors() {
		var all [][]Estimate
		for _, e := range engines {
			for seed := range seeds {
				one, err := e.Estimates(prior, uint64(301+seed))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, one)
			}
		}
		p.Rows = append(p.Rows, Rows(prior.Name, all, 1, 2, 5, 10, 15)...)
		t.Logf("%s: played", prior.Name)
	}
	for _, i := range []int{1, 6, 14, 24} {
		one, err := engines[i%len(engines)].Estimates(Priors()[0], 301)
		if err != nil {
			t.Fatal(err)
		}
		p.Drawn = append(p.Drawn, Drawn{engines[i%len(engines)], one})
	}
	p.Of = Engine{"qwen3-32b-h100-tp2", 4000, 1000, 3 * time.Second, 100 * time.Millisecond}
	if p.Misses, err = p.Of.Misses(301, time.Hour/2, 4*time.Hour, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if p.Starts, p.Start, err = p.Of.Starts(301); err != nil {
		t.Fatal(err)
	}
	picture, err := p.Plot()
	if err != nil {
		t.Fatal(err)
	}
	if *folder == "" {
		t.Log("\n" + p.String())
		return
	}
	for name, text := range map[string]string{"learning.md": p.String(), "learning.svg": picture} {
		if err := os.WriteFile(filepath.Join(*folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
