package catalog

import (
	"os"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// TestLawsPage: docs/laws.md names every law and every series.
func TestLawsPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/laws.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range catalog.Specs() {
		if !strings.Contains(string(page), "\n| `"+spec.Name+"` |") {
			t.Errorf("docs/laws.md has no row for the law %s", spec.Name)
		}
	}
	for _, s := range reading.Signals() {
		if !strings.Contains(string(page), "\n| `"+s.String()+"` | `"+vllm.Text(s)+"` |") {
			t.Errorf("docs/laws.md has no row for the series %s, %s", s, vllm.Text(s))
		}
	}
}
