package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// INV-3.
func TestMakeRefuses(t *testing.T) {
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
		if _, err := Make(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Make(%q) = %v, want %q", text, err, want)
		}
	}
}

// spelled is a law's text with every parameter at its default.
func spelled(s spec.Spec) string {
	var pairs []string
	for _, p := range s.Params {
		pairs = append(pairs, p.Name+"="+p.Default)
	}
	return s.Name + ":" + strings.Join(pairs, ",")
}

// INV-1: every law is made of its defaults, bare and spelled out, says what it is and where
// it was read, and needs only signals that have a name.
func TestSpecs(t *testing.T) {
	var names []string
	for _, s := range Specs() {
		names = append(names, s.Name)
		bare, err := Make(s.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		full, err := Make(spelled(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bare, full); diff != "" {
			t.Errorf("%s spelled out: -bare +full\n%s", s.Name, diff)
		}
		for _, signal := range bare.Law.Needs() {
			if !slices.Contains(reading.Signals(), signal) {
				t.Errorf("%s needs %v, which is no signal with a name", s.Name, signal)
			}
		}
		if _, ok := kinds[bare.Law.Name()]; !ok {
			t.Errorf("%s cannot be written down", s.Name)
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
	series := map[string]reading.Signal{"vllm:num_requests_waiting": reading.Waiting}
	for metric, want := range map[string]reading.Signal{"waiting": reading.Waiting, "vllm:num_requests_waiting": reading.Waiting, "sum(up)": reading.Query(0)} {
		made, err := Make("hpa:metric="+metric, series)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]reading.Signal{want}, made.Law.Needs()); diff != "" {
			t.Errorf("%s: needs -want +got\n%s", metric, diff)
		}
		if _, asked := want.Query(); asked != slices.Equal(made.Queries, []string{metric}) {
			t.Errorf("%s: queries %q", metric, made.Queries)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{"hpx": "{}", "hpa": "7"} {
		if l, err := ReadLaw(name, []byte(text)); err == nil {
			t.Errorf("ReadLaw(%s, %s) = %v", name, text, l)
		}
		if s, err := ReadState(name, []byte(text)); err == nil {
			t.Errorf("ReadState(%s, %s) = %v", name, text, s)
		}
	}
}
