package law

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
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
		if _, _, err := New(text, Facts{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%q) = %v, want %q", text, err, want)
		}
	}
	if _, _, err := New("oracle", Facts{Needed: func() []Level { return []Level{{time.Minute, 1}, {0, 2}} }}); err == nil {
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
// where it was read, and needs only signals that have a name.
func TestSpecs(t *testing.T) {
	var names []string
	for _, s := range Specs() {
		names = append(names, s.Name)
		bare, _, err := New(s.Name, Facts{})
		if err != nil {
			t.Fatal(err)
		}
		full, _, err := New(spelled(s), Facts{})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, s.Name+" needs", full.Needs(), bare.Needs())
		for _, signal := range bare.Needs() {
			if !slices.Contains(reading.Signals(), signal) {
				t.Errorf("%s needs %v, which is no signal with a name", s.Name, signal)
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

// A metric may be named as here, as upstream or by a query.
func TestMetric(t *testing.T) {
	f := Facts{Series: map[string]reading.Signal{"vllm:num_requests_waiting": reading.Waiting}}
	for metric, want := range map[string]reading.Signal{"waiting": reading.Waiting, "vllm:num_requests_waiting": reading.Waiting, "sum(up)": reading.Query(0)} {
		l, queries, err := New("hpa:metric="+metric, f)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, metric, l.Needs(), []reading.Signal{want})
		if _, asked := want.Query(); asked != slices.Equal(queries, []string{metric}) {
			t.Errorf("%s: queries %q", metric, queries)
		}
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		PodRunning.String(): "running", Phase(9).String(): "unknown", CPU.String(): "CPU", MetricKind(-1).String(): "unknown",
		Utilization.String(): "Utilization", Target(9).String(): "unknown", SelectMin.String(): "Min", Select(9).String(): "unknown",
		FallbackModifiers.String(): "scalingModifiers", FallbackBehavior(9).String(): "unknown",
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
