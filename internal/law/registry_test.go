package law

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"hpx":                     `no law "hpx"; there are aibrix-apa, aibrix-kpa`,
		"":                        `no law ""`,
		"static:m=3":              `no parameter "m"; there are n`,
		"static:n":                `"n" is no key=value`,
		"static:n=":               "n is empty",
		"static:n=2,n=3":          "n is set twice",
		"static:n=-1":             "want a whole number from 0 to 1048576",
		"static:n=2.5":            "want a whole number",
		"kpa:target=NaN":          "want a number from 0 to 1e12",
		"kpa:target=0":            "target=0: want more than 0",
		"kpa:tick=5":              "tick=5: want a duration from 0s to 24h, like 90s",
		"kpa:tick=-5s":            "want a duration",
		"kpa:min=9":               "min=9 is above max=8",
		"hpa:type=Utilization":    "type=Utilization: want one of AverageValue, Value",
		"hpa:metric=wating":       "metric=wating: want a metric, or one of running, waiting",
		"hpa:kind=CPU,type=Value": "type=Value needs kind=External",
		"wva-v1:kv=x,every=y":     "every=y: want a duration",
	} {
		if _, err := New(text, Facts{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%q) = %v, want %q", text, err, want)
		}
	}
	if _, err := New("oracle", Facts{Needed: func() []Level { return []Level{{time.Minute, 1}, {0, 2}} }}); err == nil {
		t.Error("New(oracle) with levels out of order: no error")
	}
}

// spelled is a law's text with every parameter at its default.
func spelled(s Spec) string {
	var pairs []string
	for _, p := range s.Params {
		pairs = append(pairs, p.Name+"="+p.Default)
	}
	return s.Name + ":" + strings.Join(pairs, ",")
}

// TestSpecs: every law is made of its defaults, bare and spelled out, says what it is and
// where it was read, and needs only series of the catalogue.
func TestSpecs(t *testing.T) {
	var names, known []string
	for _, q := range Queries() {
		known = append(known, q.Name)
	}
	for _, s := range Specs() {
		names = append(names, s.Name)
		bare, err := New(s.Name, Facts{})
		if err != nil {
			t.Fatal(err)
		}
		full, err := New(spelled(s), Facts{})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, s.Name+" needs", full.Needs(), bare.Needs())
		for _, name := range bare.Needs() {
			if !slices.Contains(known, name) {
				t.Errorf("%s needs %q, which is no series", s.Name, name)
			}
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(names)) != len(Specs()) {
		t.Errorf("names %v are not sorted or not unique", names)
	}
}

func TestSpecsAreDescribed(t *testing.T) {
	for _, s := range Specs() {
		if s.Doc == "" || s.Source == "" || strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: doc %q, source %q", s.Name, s.Doc, s.Source)
		}
		for _, p := range s.Params {
			if p.Doc == "" || p.Default == "" {
				t.Errorf("%s: parameter %+v", s.Name, p)
			}
		}
	}
}

func TestQueries(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range Queries() {
		if q.Name == "" || q.Short == "" || q.Family == "" || seen[q.Name] || seen[q.Short] {
			t.Errorf("query %+v: incomplete, or a name twice", q)
		}
		seen[q.Name], seen[q.Short] = true, true
		if (q.Func == Last) != (q.Window == 0) || (q.Func == Quantile) != (q.Quantile > 0) {
			t.Errorf("query %+v: window or quantile", q)
		}
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		PodRunning.String(): "running", Phase(9).String(): "unknown", CPU.String(): "CPU", MetricKind(-1).String(): "unknown",
		Utilization.String(): "Utilization", Target(9).String(): "unknown", SelectMin.String(): "Min", Select(9).String(): "unknown",
		FallbackModifiers.String(): "scalingModifiers", FallbackBehavior(9).String(): "unknown",
		Quantile.String(): "quantile", Func(9).String(): "unknown",
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
