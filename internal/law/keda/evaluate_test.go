package keda

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

// INV-1; that the library agrees is in package policy, which reads the text.
func TestEvaluate(t *testing.T) {
	a, b := Formula{Op: OpTrigger, Name: "a"}, Formula{Op: OpTrigger, Name: "b"}
	of := func(op Op, args ...Formula) Formula { return Formula{Op: op, Args: args} }
	two := Formula{Op: OpInt, Int: 2}
	for _, c := range []struct {
		f    Formula
		want float64
		ok   bool
	}{
		{of(OpAdd, a, of(OpMultiply, two, b)), 10, true},
		{of(OpIf, of(OpGreater, a, b), a, b), 4, true},
		{of(OpElse, Formula{Op: OpTrigger, Name: "c"}, b), 3, true},
		{of(OpElse, Formula{Op: OpTrigger, Name: "c"}, Formula{Op: OpNil}), 0, false},
		{of(OpAdd, a, Formula{Op: OpTrigger, Name: "c"}), math.NaN(), true},
		{of(OpModulo, two, Formula{Op: OpInt}), math.NaN(), true},
		{of(OpDivide, a, Formula{Op: OpInt}), math.Inf(1), true},
		{of(OpCount, of(OpList, a, b), of(OpGreater, Formula{Op: OpElement}, two)), 2, true},
		{Formula{Op: OpLet, Name: "x", Args: []Formula{a, of(OpMax, Formula{Op: OpVariable, Name: "x"}, b)}}, 4, true},
		{of(OpMax), 0, false},
		{Formula{}, math.NaN(), true},
	} {
		got, ok := c.f.Evaluate(map[string]float64{"a": 4, "b": 3})
		if ok != c.ok || got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%+v = %v, %v, want %v, %v", c.f, got, ok, c.want, c.ok)
		}
	}
}

// anyFormula is one of any shape, most of which mean nothing.
func anyFormula(r *rand.Rand, depth int) Formula {
	f := Formula{Op: Op(r.IntN(int(numOps))), Int: r.IntN(5) - 2, Number: r.NormFloat64(), Name: string(rune('a' + r.IntN(3)))}
	if depth > 0 {
		for range r.IntN(4) {
			f.Args = append(f.Args, anyFormula(r, depth-1))
		}
	}
	return f
}

// INV-2, also of formulas that ask about lists of lists of lists, and as they are written
// down and read.
func FuzzEvaluate(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		formula := anyFormula(r, 5)
		for range 30 { // so that without a limit it would take 2³⁰ operations
			formula = Formula{Op: OpMap, Args: []Formula{{Op: OpList, Args: []Formula{{Op: OpTrue}, {Op: OpNil}}}, formula}}
		}
		formula = Formula{Op: OpLen, Args: []Formula{formula}}
		text, err := json.Marshal(formula)
		if err != nil {
			t.Fatal(err)
		}
		var again Formula
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if textToo, err := json.Marshal(again); err != nil || string(textToo) != string(text) {
			t.Errorf("%s read back is %s, %v", text, textToo, err)
		}
		values := map[string]float64{"a": 1, "b": math.Inf(1)}
		x, ok := formula.Evaluate(values)
		y, okToo := again.Evaluate(values)
		if ok != okToo || x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
			t.Errorf("Evaluate() = %v, %v, read back %v, %v", x, ok, y, okToo)
		}
	})
}
