package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/law"
)

// TestLawsPage: docs/laws.md names every law and every series.
func TestLawsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/laws.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range law.Specs() {
		if !strings.Contains(string(page), "\n| `"+spec.Name+"` |") {
			t.Errorf("docs/laws.md has no row for the law %s", spec.Name)
		}
	}
	for _, q := range law.Queries() {
		if !strings.Contains(string(page), "\n| `"+q.Short+"` | `"+q.Name+"` |") {
			t.Errorf("docs/laws.md has no row for the series %s, %s", q.Short, q.Name)
		}
	}
}
