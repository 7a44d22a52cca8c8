package simulate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/simulate"
)

// INV-1.
func TestCSV(t *testing.T) {
	excess := .25
	rows := []simulate.Row{
		{Law: "hpa", Seeds: 3, Promise: .9, Keeps: simulate.Yes, Attainment: .95, AverageReplicas: 2, Excess: &excess, CI95: map[string]float64{"attainment": .01, "averageReplicas": .5}},
		{Law: "a,b", Seeds: 1, Promise: .9, Keeps: simulate.No, Attainment: .1},
	}
	var out strings.Builder
	if err := writeCSV(&out, rows, "EUR"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	header := strings.Split(lines[0], ",")
	for i, want := range [][2]string{{"law", "hpa"}, {"seeds", "3"}, {"fault", ""}, {"promise_percent", "90"}, {"keeps", "yes"}, {"attainment_percent", "95"}, {"attainment_percent_low", "94"}, {"attainment_percent_high", "96"}, {"replicas", "2"}, {"replicas_low", "1.5"}, {"replicas_high", "2.5"}} {
		if got := [2]string{header[i], strings.Split(lines[1], ",")[i]}; got != want {
			t.Errorf("column %d is %q, want %q", i, got, want)
		}
	}
	if !strings.HasPrefix(lines[2], `"a,b",1,,90,no,10,,,0,,,`) || !strings.Contains(lines[0], ",eur_per_month,") || !strings.Contains(lines[0], ",excess_percent,") {
		t.Errorf("CSV:\n%s", out.String())
	}
	if diff := cmp.Diff(len(header), strings.Count(lines[1], ",")+1); diff != "" {
		t.Errorf("columns of the header and of a row: %s", diff)
	}
}

// Each column has a legend, and each legend a column.
func TestLegends(t *testing.T) {
	all := legends("EUR")
	shown := reportColumns("EUR")
	for _, c := range shown {
		if all[c.Title] == "" {
			t.Errorf("%s has no legend", c.Title)
		}
	}
	if len(all) != len(shown) {
		t.Errorf("%d legends for %d columns", len(all), len(shown))
	}
}
