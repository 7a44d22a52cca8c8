package spec

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Values are a law's parameters as set, and what was wrong with them.
type Values struct {
	spec    Spec
	series  map[string]reading.Signal
	set     map[string]string
	queries []string
	errs    []error
}

// text is a parameter as set, or its default.
func (v *Values) text(name string) (Param, string) {
	for _, p := range v.spec.Params {
		if p.Name == name {
			if s := v.set[name]; s != "" {
				return p, s
			}
			return p, p.Default
		}
	}
	v.Fail("%s has no parameter %q", v.spec.Name, name) // a test finds it
	return Param{}, ""
}

// Text is a parameter as it stands.
func (v *Values) Text(name string) string {
	_, s := v.text(name)
	return s
}

// given is a count, and 0 where the law has no such parameter.
func (v *Values) given(name string) int {
	if !v.spec.Takes(name) {
		return 0
	}
	return v.Count(name)
}

// Number is one that is not negative.
func (v *Values) Number(name string) float64 {
	_, s := v.text(name)
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0) || x > 1e12 {
		v.Fail("%s=%s: want a number from 0 to 1e12", name, s)
	}
	return x
}

// Above is a number that may not be 0.
func (v *Values) Above(name string) float64 {
	x := v.Number(name)
	if x == 0 {
		v.Fail("%s=0: want more than 0", name)
	}
	return x
}

// Count is a whole number.
func (v *Values) Count(name string) int {
	_, s := v.text(name)
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > law.Most {
		v.Fail("%s=%s: want a whole number from 0 to %d", name, s, law.Most)
	}
	return n
}

// Duration is a time that is not negative.
func (v *Values) Duration(name string) time.Duration {
	_, s := v.text(name)
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 24*time.Hour {
		v.Fail("%s=%s: want a duration from 0s to 24h, like 90s", name, s)
	}
	return d
}

// Word is one of those that the parameter allows.
func (v *Values) Word(name string) string {
	p, s := v.text(name)
	if !slices.Contains(p.Words, s) {
		v.Fail("%s=%s: want one of %s", name, s, strings.Join(p.Words, ", "))
	}
	return s
}

// Signal is what metric asks for: a signal by its name here or upstream, or the answer
// of any query that has no comma in it.
func (v *Values) Signal() reading.Signal {
	_, s := v.text("metric")
	if named, ok := reading.Named(s); ok && !named.Cumulative() {
		return named
	}
	if named, ok := v.series[s]; ok && !named.Cumulative() {
		return named
	}
	if !strings.ContainsAny(s, ":_({[") {
		var names []string
		for _, known := range reading.Signals() {
			if !known.Cumulative() {
				names = append(names, known.String())
			}
		}
		v.Fail("metric=%s: want a metric, or one of %s", s, strings.Join(names, ", "))
	}
	v.queries = append(v.queries, s)
	return reading.Query(len(v.queries) - 1)
}

// Bounds are min and max.
func (v *Values) Bounds() law.Bounds { return law.Bounds{Min: v.Count("min"), Max: v.Count("max")} }
