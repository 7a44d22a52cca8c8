package validate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// INV-1: docs/validation.md is what the code writes: some of its rows are made again, those
// that a change of the plant or of the metric path would move.
func TestValidationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/validation.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(someRows(t)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		found++
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/validation.md has no line\n%swhich the code writes: make validate", line)
		}
	}
	if found != 13 {
		t.Errorf("%d rows and headers were made again, want 13", found)
	}
}

func someRows(t *testing.T) string {
	all, err := measuredRows("vllm_runs_qwen3_14b_h100.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.DeleteFunc(all, func(m measured) bool {
		return m["run"] != "sweep_rate/agg_4rps/vanilla" && m["run"] != "w7_sweep/agg12"
	})
	var v validation
	if err := qwenLatency(t.Context(), &v, rows, qwenSeeds); err != nil {
		t.Fatal(err)
	}
	if err := qwenCapacity(&v, rows); err != nil {
		t.Fatal(err)
	}
	beside := []published{{"llmd-slo", "95.8", "5.93"}}
	if _, err := v.rampLaws(t.Context(), []string{"llmd-slo"}, rampSeeds, beside); err != nil {
		t.Fatal(err)
	}
	if err := writeLab(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	return v.page.String()
}

// The bounds on the dense models hold.
func TestDenseModels(t *testing.T) {
	var v validation
	if err := writeBLIS(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	if said := judge(v.bounds, nil, true); len(said) > 0 || len(v.bounds) != 3 {
		t.Errorf("of %d bounds, 3 wanted: %v\n%s", len(v.bounds), said, v.page.String())
	}
}

// INV-2.
func TestJudge(t *testing.T) {
	bounds := []bound{{"ITL", "run 1", 4, 5}, {"ITL", "run 2", -6, 5}, {"ITL", "run 3", 7, 5}, {"TTFT", "run 1", 1, 10}}
	known := []knownMiss{{"ITL", "run 3", "it is so"}, {"TTFT", "run 1", "it was so"}, {"E2E", "run 1", "it is gone"}}
	want := []string{
		"a bound does not hold: ITL, run 2: -6.0 %, at most 5",
		"a known miss holds, take it off the list: TTFT, run 1: +1.0 %, at most 10",
		"a known miss is of no bound: E2E, run 1",
	}
	if diff := cmp.Diff(want, judge(bounds, known, true)); diff != "" {
		t.Errorf("judge (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:2], judge(bounds, known, false)); diff != "" {
		t.Errorf("judge without all bounds (-want +got):\n%s", diff)
	}
	var v validation
	v.summary(bounds, known)
	for _, line := range []string{"| ITL | 5 % | +7.0 % | run 3 | 1 of 3 |\n", "- ITL, run 3: it is so\n"} {
		if !strings.Contains(v.page.String(), line) {
			t.Errorf("the summary has no line %q:\n%s", line, v.page.String())
		}
	}
}
