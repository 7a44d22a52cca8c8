package lint

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flyball-dev/flyball/internal/lint"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// INV-1: each rule's simulation shows what the rule says: the fixed manifest is better in
// the figure that is named, and by it nothing else is worse.
func TestSimulations(t *testing.T) {
	n := 0
	for _, r := range lint.Rules() {
		s, ok := r.Simulation()
		if !ok {
			continue
		}
		n++
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			got, err := simulateRule(t.Context(), s, r.Bad(), r.Good())
			if err != nil {
				t.Fatal(err)
			}
			if !better(s.Figure, got.Bad, got.Good) {
				t.Errorf("the fixed manifest is not better by %q:\nbad    %+v\nfixed %+v", s.Figure, got.Bad, got.Good)
			}
			if !strings.HasSuffix(s.Look, ".") || strings.Contains(s.Look, "\n") {
				t.Errorf("look: %q is no sentence", s.Look)
			}
		})
	}
	if n < 20 {
		t.Errorf("%d rules are simulated", n)
	}
}

func better(by lint.Figure, bad, good simulate.Row) bool {
	const same = 0.005 // of attainment
	notWorse := good.Attainment >= bad.Attainment-same
	switch by {
	case lint.Attainment:
		return good.Attainment >= bad.Attainment+0.1 && good.Attainment >= 0.9
	case lint.Aborted:
		return notWorse && bad.Aborted >= 10 && good.Aborted == 0
	case lint.GPUHours:
		return notWorse && good.GPUHours <= 0.7*bad.GPUHours
	case lint.Replicas:
		return notWorse && good.GPUHours <= 1.01*bad.GPUHours && good.AverageReplicas <= 0.9*bad.AverageReplicas
	case lint.NoChange:
		return cmp.Equal(bad, good, cmpopts.IgnoreFields(simulate.Row{}, "Law"))
	}
	return false
}

// No figure is met by two manifests that do the same, but the one that says so.
func TestBetter(t *testing.T) {
	l := simulate.Row{Attainment: 0.95, AverageReplicas: 2, GPUHours: 3, Aborted: 20}
	for _, by := range []lint.Figure{lint.Attainment, lint.Aborted, lint.GPUHours, lint.Replicas, lint.NoChange, ""} {
		if got, want := better(by, l, l), by == lint.NoChange; got != want {
			t.Errorf("better(%q) of the same = %v, want %v", by, got, want)
		}
	}
}

// docs/lint.md shows what is printed.
func TestExplainPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := explainRule(t.Context(), &out, "table", "sum-as-mean"); err != nil {
		t.Fatal(err)
	}
	_, simulated, ok := strings.Cut(out.String(), "\n# flyball simulate ")
	if !ok || !strings.Contains(string(page), "\n# flyball simulate "+simulated+"```\n") {
		t.Errorf("docs/lint.md does not have\n# flyball simulate %s", simulated)
	}
}
