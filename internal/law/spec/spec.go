package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Spec describes a law by name, for whoever chooses one.
type Spec struct {
	Name   string
	Doc    string // one line
	Source string // where it was read
	Params []Param
	// Hindsight is set for what knows the future, or is tuned to it: it shows what is
	// possible and does not compete.
	Hindsight bool
	Build     func(v *Values) law.Law
}

// A Param is what may be set in a law's text.
type Param struct {
	Name    string
	Default string
	Unit    string // of a number, where it has one
	Doc     string
	Words   []string // for a word: those allowed
}

// Takes says whether the law has a parameter of that name.
func (s Spec) Takes(name string) bool { return slices.Contains(s.keys(), name) }

func (s Spec) keys() []string {
	var names []string
	for _, p := range s.Params {
		names = append(names, p.Name)
	}
	return names
}

// Bounded are the parameters with the bounds before them.
func Bounded(least string, params ...Param) []Param {
	return append([]Param{
		{Name: "min", Default: least, Unit: "replicas", Doc: "at least so many"},
		{Name: "max", Default: "8", Unit: "replicas", Doc: "at most so many; 0: no maximum"},
	}, params...)
}

// With are parameters with other defaults, given as name, default, name, ….
func With(params []Param, defaults ...string) []Param {
	for i := range params {
		for j := 0; j+1 < len(defaults); j += 2 {
			if params[i].Name == defaults[j] {
				params[i].Default = defaults[j+1]
			}
		}
	}
	return params
}

// Made is a law that a text asked for, and the queries whose answers it reads.
type Made struct {
	Law     law.Law
	Queries []string
}

// Make is the law with the parameters that pairs set, as key=value,key=value. A metric
// may be named by the series too.
func (s Spec) Make(pairs string, series map[string]reading.Signal) (Made, error) {
	v := &Values{spec: s, series: series, set: map[string]string{}}
	for pair := range strings.SplitSeq(pairs, ",") {
		if pairs != "" {
			v.assign(pair)
		}
	}
	l := s.Build(v)
	if b := (law.Bounds{Min: v.given("min"), Max: v.given("max")}); b.Max > 0 && b.Min > b.Max {
		v.Fail("min=%d is above max=%d", b.Min, b.Max)
	}
	return Made{l, v.queries}, errors.Join(v.errs...)
}

func (v *Values) assign(pair string) {
	key, value, ok := strings.Cut(pair, "=")
	switch {
	case !ok:
		v.Fail("%q is no key=value", pair)
	case !v.spec.Takes(key):
		v.Fail("no parameter %q; there are %s", key, strings.Join(v.spec.keys(), ", "))
	case v.set[key] != "":
		v.Fail("%s is set twice", key)
	case value == "":
		v.Fail("%s is empty", key)
	default:
		v.set[key] = value
	}
}

// Fail notes what is wrong with the text.
func (v *Values) Fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}
