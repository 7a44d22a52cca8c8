package law

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A Spec describes a law by name, for whoever chooses one.
type Spec struct {
	Name   string
	Doc    string // one line
	Source string // where it was read
	Params []Param
	build  func(v *values, f Facts) Law
}

// A Param is what may be set in a law's text.
type Param struct {
	Name    string
	Default string
	Unit    string // of a number, where it has one
	Doc     string
	Words   []string // for a word: those allowed
}

// Facts are what a law may be told of the service that it scales. A law that needs
// what is missing holds, and says so.
type Facts struct {
	ColdStart time.Duration  // from the wish for a replica to its first token
	Phase     time.Duration  // when control loops first run, less than 15 s
	Needed    func() []Level // for the oracle; may be nil
	Engine    Engine
	// Series are the signals by what upstream calls them: a metric may be named so too.
	Series map[string]reading.Signal
}

// An Engine is what one replica can do, as a benchmark or its command line tells.
type Engine struct {
	MaxSeqs     int // --max-num-seqs
	BatchTokens int // --max-num-batched-tokens
	KVTokens    int // what its cache holds
	// Best is the most requests per second of a shape that it serves within both.
	Best func(s Shape, ttft, tpot time.Duration) float64
	// Step is how long an iteration takes with so many new tokens of prompts, while
	// the sequences in decode hold so many tokens.
	Step func(prefillTokens, kvTokens float64) time.Duration
}

// A Shape is a mean request: tokens in and out, and the share of those in that the
// prefix cache has.
type Shape struct{ Input, Output, Hit float64 }

// Specs are all laws, by name.
func Specs() []Spec {
	all := []Spec{
		apaSpec(), aibrixKPASpec(), dynamoLoadSpec(), dynamoSLASpec(), hpaSpec(), kedaSpec(), kpaSpec(), kthenaSpec(),
		kubeaiSpec(), llmdQueueSpec(), sloSpec(), llmdTokensSpec(), oracleSpec(), productionStackSpec(), rayServeSpec(),
		skyserveSpec(), staticSpec(), wvaQueueSpec(), wvaThroughputSpec(), wvaV1Spec(), wvaV2Spec(),
	}
	slices.SortFunc(all, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Find is the law of a name.
func Find(name string) (Spec, error) {
	var names []string
	for _, s := range Specs() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Spec{}, fmt.Errorf("no law %q; there are %s", name, strings.Join(names, ", "))
}

// New makes the law that a text like hpa:metric=waiting,target=5 asks for, and the
// queries whose answers it reads. An unknown name, key or value is an error that says
// what there is.
func New(text string, f Facts) (Law, []string, error) {
	name, rest, _ := strings.Cut(text, ":")
	s, err := Find(name)
	if err != nil {
		return nil, nil, err
	}
	v := &values{spec: s, series: f.Series, set: map[string]string{}}
	for pair := range strings.SplitSeq(rest, ",") {
		if rest != "" {
			v.assign(pair)
		}
	}
	l := s.build(v, f)
	if b := (Bounds{v.given("min"), v.given("max")}); b.Max > 0 && b.Min > b.Max {
		v.errs = append(v.errs, fmt.Errorf("min=%d is above max=%d", b.Min, b.Max))
	}
	if err := errors.Join(v.errs...); err != nil {
		return nil, nil, fmt.Errorf("law %s: %w", text, err)
	}
	return l, v.queries, nil
}

// values are a law's parameters as set, and what was wrong with them.
type values struct {
	spec    Spec
	series  map[string]reading.Signal
	set     map[string]string
	queries []string
	errs    []error
}

func (v *values) fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *values) assign(pair string) {
	key, value, ok := strings.Cut(pair, "=")
	switch {
	case !ok:
		v.fail("%q is no key=value", pair)
	case !slices.ContainsFunc(v.spec.Params, func(p Param) bool { return p.Name == key }):
		v.fail("no parameter %q; there are %s", key, strings.Join(v.spec.keys(), ", "))
	case v.set[key] != "":
		v.fail("%s is set twice", key)
	case value == "":
		v.fail("%s is empty", key)
	default:
		v.set[key] = value
	}
}

func (s Spec) keys() []string {
	var names []string
	for _, p := range s.Params {
		names = append(names, p.Name)
	}
	return names
}

// text is a parameter as set, or its default.
func (v *values) text(name string) (Param, string) {
	for _, p := range v.spec.Params {
		if p.Name == name {
			if s := v.set[name]; s != "" {
				return p, s
			}
			return p, p.Default
		}
	}
	v.fail("%s has no parameter %q", v.spec.Name, name) // a test finds it
	return Param{}, ""
}

// given is a count, and 0 where the law has no such parameter.
func (v *values) given(name string) int {
	if !v.spec.Takes(name) {
		return 0
	}
	return v.count(name)
}

func (v *values) number(name string) float64 {
	_, s := v.text(name)
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0) || x > 1e12 {
		v.fail("%s=%s: want a number from 0 to 1e12", name, s)
	}
	return x
}

// above is a number that may not be 0.
func (v *values) above(name string) float64 {
	x := v.number(name)
	if x == 0 {
		v.fail("%s=0: want more than 0", name)
	}
	return x
}

func (v *values) count(name string) int {
	_, s := v.text(name)
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		v.fail("%s=%s: want a whole number from 0 to %d", name, s, most)
	}
	return n
}

func (v *values) duration(name string) time.Duration {
	_, s := v.text(name)
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 24*time.Hour {
		v.fail("%s=%s: want a duration from 0s to 24h, like 90s", name, s)
	}
	return d
}

func (v *values) word(name string) string {
	p, s := v.text(name)
	if !slices.Contains(p.Words, s) {
		v.fail("%s=%s: want one of %s", name, s, strings.Join(p.Words, ", "))
	}
	return s
}

// signal is what metric asks for: a signal by its name here or upstream, or the answer
// of any query that has no comma in it.
func (v *values) signal() reading.Signal {
	_, s := v.text("metric")
	if named, ok := reading.Named(s); ok {
		return named
	}
	if named, ok := v.series[s]; ok {
		return named
	}
	if !strings.ContainsAny(s, ":_({[") {
		var names []string
		for _, known := range reading.Signals() {
			names = append(names, known.String())
		}
		v.fail("metric=%s: want a metric, or one of %s", s, strings.Join(names, ", "))
	}
	v.queries = append(v.queries, s)
	return reading.Query(len(v.queries) - 1)
}

func (v *values) bounds() Bounds { return Bounds{v.count("min"), v.count("max")} }

// bounded are the parameters with the bounds before them.
func bounded(least string, params ...Param) []Param {
	return append([]Param{
		{Name: "min", Default: least, Unit: "replicas", Doc: "at least so many"},
		{Name: "max", Default: "8", Unit: "replicas", Doc: "at most so many; 0: no maximum"},
	}, params...)
}

// Takes says whether the law has a parameter of that name.
func (s Spec) Takes(name string) bool { return slices.Contains(s.keys(), name) }
