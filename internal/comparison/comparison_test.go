package comparison

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const quarter = `# judged: a quarter of an hour that rises
workload  poisson:stages=8m:6/7m:14,input=1000,output=100
profile   llama-3.1-8b-l40s
replicas  1..4 from 1
start     schedule=1s load=24s ready=5s pulled
scrape    5s
objective ttft:p95:1s
objective tpot:p95:50ms
`

func tasks(t *testing.T) []Task {
	t.Helper()
	file := filepath.Join(t.TempDir(), "quarter.txt")
	if err := os.WriteFile(file, []byte(quarter), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Read([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	return []Task{
		{Workload: all[0], Law: "flyball", Promise: 0.9, Seed: 1, Episodes: 2, Fewer: true},
		{Workload: all[0], Law: "hpa", Promise: 0.95, Seed: 1, Episodes: 1},
	}
}

// cut appends a line that was cut off.
func cut(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"Key":"cut`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A ledger that is read again, with a last line that was cut off, has what was played, and
// plays only the rest (INV-1).
func TestLedgerGoesOn(t *testing.T) {
	all, file := tasks(t), filepath.Join(t.TempDir(), "ledger")
	first, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Play(t.Context(), all[:1], func(Task) {}); err != nil {
		t.Fatal(err)
	}
	cut(t, file)
	again, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Parts(all[0]), again.Parts(all[0])); diff != "" {
		t.Errorf("Open(file).Parts() (-written +read):\n%s", diff)
	}
	var played []string
	if err := again.Play(t.Context(), all, func(task Task) { played = append(played, task.Law) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"hpa"}; !cmp.Equal(played, want) {
		t.Errorf("Play() played %v, want %v", played, want)
	}
	got := again.Parts(all[0])
	if len(got) != 2 || !(got[0].Attained > got[0].OneFewer) || got[0].GPUHours <= 0 || got[0].Requests < 1000 {
		t.Errorf("Parts() = %+v, want two runs that attain more than with one replica fewer", got)
	}
	if d := (Page{Ledger: again, Tasks: all}); !strings.Contains(d.String(), "| judged | quarter | 90 % |") {
		t.Errorf("the page has no row of the workload:\n%s", d)
	}
}

// A plot is an XML document with a dot of each outcome, at the edge where it lies outside.
func TestPlot(t *testing.T) {
	all, file := tasks(t), filepath.Join(t.TempDir(), "ledger")
	l, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Play(t.Context(), all, func(Task) {}); err != nil {
		t.Fatal(err)
	}
	text, err := Page{Ledger: l, Tasks: all}.Plot()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Plot() is no XML: %v\n%s", err, text)
		}
	}
	for _, want := range []string{">attained = promised<", "first of their service<", ">runs<", ">hpa<"} {
		if !strings.Contains(text, want) {
			t.Errorf("Plot() does not say %s:\n%s", want, text)
		}
	}
	// A circle of three outcomes, and of the legend's three names.
	if got := strings.Count(text, "A2,2"); got < 6 {
		t.Errorf("Plot() has %d arcs, want one of each outcome and name at least:\n%s", got, text)
	}
}

// A share lies by how many miss beyond it.
func TestRank(t *testing.T) {
	for _, c := range []struct{ share, want float64 }{{0.2, 0}, {0.5, 0}, {0.95, 1. / 3}, {0.9995, 1}, {1, 1}} {
		if got := rank(c.share); math.Abs(got-c.want) > 0.003 {
			t.Errorf("rank(%v) = %.3f, want %.3f", c.share, got, c.want)
		}
	}
}
