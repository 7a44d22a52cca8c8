package dashboard

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write config/monitoring/dashboards again")

// INV-1.
func TestBoards(t *testing.T) {
	const folder = "../../config/monitoring/dashboards"
	for name, b := range Boards() {
		want, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, name)
		if *rewrite {
			if err := os.WriteFile(file, want, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what is written (make generate): -want +got\n%s", file, diff)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != len(Boards()) {
		t.Errorf("%s has %d files, %v, want %d", folder, len(files), err, len(Boards()))
	}
}

// INV-2.
func TestPanels(t *testing.T) {
	for name, b := range Boards() {
		for _, row := range b.Rows {
			for _, p := range row {
				if p.Title == "" || p.Help == "" || p.Unit == "" || len(p.Queries) == 0 {
					t.Errorf("%s: panel %+v, want a title, a help, a unit and queries", name, p)
				}
				for _, q := range p.Queries {
					if q.Expr == "" || q.Legend == "" {
						t.Errorf("%s: %s: query %+v, want an expression and a legend", name, p.Title, q)
					}
				}
			}
		}
	}
}
