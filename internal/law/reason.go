package law

import (
	"math"
	"slices"
)

// A Reason is one rule that acted, with the number before and after it. The numbers of
// an Output's reasons lead to its Replicas.
type Reason struct {
	Rule     Rule
	From, To int
	Terms    []Term `json:",omitempty"`
}

// Recompute is the number after the rule, by its formula from the number before and the
// terms; false if a term is missing or there is no such rule. Terms that the formula
// does not ask for only explain.
func (r Reason) Recompute() (int, bool) {
	if r.Rule <= RuleUnset || r.Rule >= numRules {
		return 0, false
	}
	for _, name := range rules[r.Rule].needs {
		if _, ok := value(r.Terms, name); !ok {
			return 0, false
		}
	}
	return r.Rule.apply(r.From, r.Terms), true
}

// Expected is the share of requests that reasons expect to meet all objectives with the number
// that they lead to; false where it is not known.
func Expected(reasons []Reason) (float64, bool) {
	i := slices.IndexFunc(reasons, func(r Reason) bool { return r.Rule == RuleOutlook })
	if i < 0 {
		return 0, false
	}
	missed, ok := value(reasons[i].Terms, TermExpected)
	return 1 - min(max(missed, 0), 1), ok && !math.IsNaN(missed)
}

// operands are the terms that a formula asks for, in its order.
type operands [8]float64

// n is an operand as a number of replicas; what is no number is none.
func (x operands) n(i int) int {
	if math.IsNaN(x[i]) {
		return 0
	}
	return int(min(max(x[i], -Most), Most))
}

// apply is the rule's formula.
func (r Rule) apply(from int, terms []Term) int {
	var x operands
	for i, name := range rules[r].needs {
		x[i], _ = value(terms, name)
	}
	return rules[r].formula(from, x)
}

// value is that of the first term of a name.
func value(terms []Term, name Name) (float64, bool) {
	for _, t := range terms {
		if t.Name == name {
			return t.Value, true
		}
	}
	return 0, false
}
