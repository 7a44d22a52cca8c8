package law

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Every rule and every term has a name of its own, and every rule a formula.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for r := RuleUnset + 1; r < numRules; r++ {
		if rules[r].name == "" || rules[r].formula == nil || seen[r.String()] || len(rules[r].needs) > len(operands{}) {
			t.Errorf("rule %d, %q: no name, no formula or the name of another", r, r)
		}
		seen[r.String()] = true
	}
	for n := NameUnset + 1; n < numNames; n++ {
		if names[n] == "" || seen["term "+n.String()] {
			t.Errorf("term %d, %q: no name or that of another", n, n)
		}
		seen["term "+n.String()] = true
	}
	for got, want := range map[string]string{
		PodRunning.String(): "running", Phase(9).String(): "unknown", Rule(-1).String(): "unknown", Name(0).String(): "unknown",
		UnitTokensPerSecond.String(): "tokens/s", Unit(99).String(): "unknown",
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

// anyTerm is one of any value, as often as not one that a rule asks for.
func anyTerm(r *rand.Rand, of Rule) Term {
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1, 3, 0.5, 1e-300, math.MaxFloat64, float64(r.IntN(1000))}
	t := Term{NameUnset + 1 + Name(r.IntN(int(numNames)-1)), values[r.IntN(len(values))], Unit(r.IntN(int(numUnits))), reading.Quality(r.IntN(5))}
	if needs := rules[of].needs; len(needs) > 0 && r.IntN(3) > 0 {
		t.Name = needs[r.IntN(len(needs))]
	}
	return t
}

// INV-6: whatever the terms, a rule is applied and gives its number again, also after it
// was written down; a reason without a term that it needs gives none.
func FuzzReason(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		rule := RuleUnset + 1 + Rule(r.IntN(int(numRules)-1))
		var terms []Term
		for range r.IntN(9) {
			terms = append(terms, anyTerm(r, rule))
		}
		for _, name := range rules[rule].needs {
			terms = append(terms, Known(name, float64(r.IntN(20)), UnitNone))
		}
		out := Output{Replicas: r.IntN(10)}.By(rule, terms...)
		for _, reason := range out.Reasons {
			text, err := json.Marshal(reason)
			if err != nil {
				t.Fatal(err)
			}
			var read Reason
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			for _, one := range []Reason{reason, read} {
				if got, ok := one.Recompute(); got != out.Replicas || !ok {
					t.Errorf("%+v recomputes to %d, %v, want %d", one, got, ok, out.Replicas)
				}
			}
			if len(rules[rule].needs) > 0 {
				reason.Terms = nil
				if n, ok := reason.Recompute(); ok {
					t.Errorf("%v without terms recomputes to %d", rule, n)
				}
			}
		}
	})
}

// INV-6: what is no number is the same one on every machine, where a conversion of Go's
// need not be.
func TestNotANumber(t *testing.T) {
	if n, milli := (operands{math.NaN()}).n(0), Milli(math.NaN()); n != 0 || milli != 0 {
		t.Errorf("of NaN, n() = %d and Milli() = %d, want 0", n, milli)
	}
}

func TestNoSuchRule(t *testing.T) {
	for _, r := range []Rule{RuleUnset, -1, numRules} {
		if n, ok := (Reason{Rule: r}).Recompute(); ok {
			t.Errorf("rule %d recomputes to %d", r, n)
		}
	}
	for _, text := range []string{`{"Rule":"no such"}`, `{"Rule":"panic","Terms":[{"Name":"no such"}]}`, `{"Rule":"panic","Terms":[{"Name":"load","Unit":"lux"}]}`} {
		var r Reason
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s is read as %+v", text, r)
		}
	}
}

// What one branch notes is not seen in the other.
func TestOutputsBranch(t *testing.T) {
	out := Output{Replicas: 1}.Held(RuleNoData)
	one, other := out.By(RuleStatic, Replicas(TermReplicas, 2)), out.By(RuleStatic, Replicas(TermReplicas, 3))
	if one.Reasons[1].To != 2 || other.Reasons[1].To != 3 || len(out.Reasons) != 1 {
		t.Errorf("%+v and %+v of %+v", one, other, out)
	}
}

func TestClamp(t *testing.T) {
	for _, c := range []struct {
		b    Bounds
		n    int
		want int
	}{{Bounds{2, 5}, 1, 2}, {Bounds{2, 5}, 9, 5}, {Bounds{2, 5}, 3, 3}, {Bounds{}, -4, 0}, {Bounds{}, 1 << 30, Most}, {Bounds{9, 4}, 1, 4}} {
		out := Output{Replicas: c.n}.Clamp(c.b)
		if out.Replicas != c.want || c.b.Clamp(c.n) != c.want || (len(out.Reasons) > 0) != (c.n != c.want) {
			t.Errorf("%d in %v: %+v, want %d", c.n, c.b, out, c.want)
		}
	}
}

// A law whose state is another's is from scratch.
func TestResume(t *testing.T) {
	type own struct{ N int }
	for state, want := range map[State]own{nil: {}, 7: {}, (own{3}): {3}} {
		if got := Resume[own](state); got != want {
			t.Errorf("Resume(%v) = %v, want %v", state, got, want)
		}
	}
}

func TestDelegated(t *testing.T) {
	in := Input{Now: time.Minute, Floor: 3}
	in.Fleet.Desired = 2
	_, got := Delegated{}.Step(nil, in)
	if diff := cmp.Diff(Output{Replicas: 2, Next: time.Minute + time.Hour, Floored: true}, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}
