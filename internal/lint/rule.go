package lint

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// Severity says how sure the trouble is.
type Severity string

// Errors do not do what they say; warnings do, until load or an outage comes;
// infos are worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Options are facts that no manifest holds. A rule whose fact is 0 is silent.
type Options struct {
	GPUs       int           // of the cluster
	MaxNumSeqs int           // of vLLM, where no argument is seen
	ColdStart  time.Duration // from the request for a replica until it serves
	Generation time.Duration // of the longest answer
	Gap        time.Duration // longest between requests that should not end in zero
}

// Default are the options of someone who measured nothing: vLLM's pods were ready
// 93 to 139 s after they were created (llm-d, WVA), and an answer of 1500 tokens
// at 40 ms takes a minute.
func Default() Options {
	return Options{ColdStart: 2 * time.Minute, Generation: time.Minute}
}

// A Finding is one place where one rule does not hold.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Object   string   `json:"object"`
	Found    string   `json:"found"`
	Fix      string   `json:"fix"`
}

// A reporter takes the place and what is wrong there.
type reporter func(at manifest.Field, format string, args ...any)

// A Rule looks for one mistake.
type Rule struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Fix      string   `json:"fix"`
	// Flag is what flyball lint must be told for the rule to speak, with a value
	// that suits the example; "" if nothing.
	Flag string `json:"flag,omitempty"`

	check func(m *manifests, report reporter)
}

// Rules are all rules, in the order of the page.
func Rules() []Rule {
	return slices.Concat(queryRules(), triggerRules(), objectiveRules(), autoscalerRules(), zeroRules(), timeRules(), ownerRules(), fleetRules(), formRules(), refusedRules(), liveRules())
}

// Find finds a rule by its id.
func Find(id string) (Rule, bool) {
	all := Rules()
	if i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return all[i], true
	}
	return Rule{}, false
}

//go:embed examples
var examples embed.FS

// Bad is a manifest of which the rule complains.
func (r Rule) Bad() string { return r.example("bad") }

// Good is the fixed form of Bad.
func (r Rule) Good() string { return r.example("good") }

func (r Rule) example(form string) string {
	text, err := examples.ReadFile("examples/" + r.ID + "." + form + ".yaml")
	if err != nil {
		return "" // a test holds that each rule has both
	}
	return string(text)
}

// Lint looks at all objects together, and orders what it finds by place.
func Lint(docs []*manifest.Document, o Options) []Finding {
	m := newManifests(docs, o)
	all := []Finding{}
	tell(&all, m.refused)
	for _, r := range Rules() {
		if r.check != nil {
			r.check(m, collect(&all, r))
		}
	}
	return order(all)
}

func collect(all *[]Finding, r Rule) reporter {
	return func(at manifest.Field, format string, args ...any) {
		*all = append(*all, Finding{
			Rule: r.ID, Severity: r.Severity, File: at.Document().File, Line: at.Line(),
			Object: at.Document().String(), Found: fmt.Sprintf(format, args...), Fix: r.Fix,
		})
	}
}

func order(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Object, b.Object), strings.Compare(a.Found, b.Found))
	})
	return slices.Compact(all)
}

// Table is the list of all rules as docs/lint.md has it.
func Table() string {
	var b strings.Builder
	b.WriteString("| rule | severity | finds | fix | simulated |\n|---|---|---|---|---|\n")
	for _, r := range Rules() {
		title := r.Title
		if flag, _, ok := strings.Cut(r.Flag, " "); ok {
			title += " (needs `" + flag + "`)"
		}
		s, _ := r.Simulation()
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.Severity, cell(title), cell(r.Fix), cmp.Or(string(s.Figure), "-"))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
