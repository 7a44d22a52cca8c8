package formula

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
)

var triggers = []string{"a", "b", "c"}

// asKEDA evaluates a formula as KEDA does, by its library.
func asKEDA(t *testing.T, formula string, values map[string]float64) (float64, bool) {
	t.Helper()
	sample := map[string]float64{}
	for _, name := range triggers {
		sample[name] = -1
	}
	program, err := expr.Compile(toFloat(formula), expr.Env(sample), expr.DisableBuiltin("now"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]any{}
	for _, name := range triggers {
		env[name] = nil
		if v, ok := values[name]; ok {
			env[name] = v
		}
	}
	result, err := expr.Run(program, env)
	switch x, isNumber := result.(float64); {
	case err == nil && result == nil:
		return 0, false
	case err == nil && isNumber:
		return x, true
	}
	return math.NaN(), true // an error, for which no fallback stands in
}

// same says whether a formula, if it is taken, gives what KEDA's library makes of it.
func same(t *testing.T, formula string, values map[string]float64) (taken bool) {
	t.Helper()
	f, err := Read(formula, triggers)
	if err != nil {
		return false
	}
	want, wantOK := asKEDA(t, formula, values)
	got, ok := f.Evaluate(values)
	if ok != wantOK || math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s of %v: Evaluate() = %v, %v, want %v, %v as KEDA\n%+v", formula, values, got, ok, want, wantOK, f)
	}
	return true
}

// INV-1.
func TestFormula(t *testing.T) {
	full := map[string]float64{"a": 4, "b": 7.5, "c": -2}
	for _, formula := range []string{
		"a + 2 * b", "(a + b + c) / 3", "a > 3 ? 1 : 2", "a > 3 and not (b > 9) ? a : b", "max([a, b])", "max(a, b, c)", "min(a, [b, c])",
		"a ?? b", "(a ?? 0) + (b ?? 0)", "count([a, b, c], {# > 1}) > 1 ? 5 : 0", "sum([a, b, c])", "sum([a, b], {# * 2})", "mean([a, b, c])",
		"median([a, b, c, 1])", "let x = a * 2; x + b", "let x = a; let y = x + 1; [x, y] | max()", "2 ** 3 + 7 % 4", "-a + +b", "abs(c)",
		"ceil(b) + floor(b) + round(b)", "int(b) + float(3)", "len(filter([a, b, c], {# > 0}))", "sum(map([a, b], {# + c}))",
		"any([a, b], {# > 5}) ? 1 : 0", "all([a, b], {# > 5}) ? 1 : 0", "none([a, b], {# > 50}) ? 1 : 0", "one([a, b], {# > 5}) ? 1 : 0",
		"a == nil ? 1 : a", "a / 0", "0.1 + 0.2", "a != b ? a : b", "if a > b { a } else { b }", "9 / 2", "7 * 3 - 2",
	} {
		for _, values := range []map[string]float64{full, {"a": 4}, {"b": 7}, {}} {
			if !same(t, formula, values) {
				t.Errorf("%s is not taken", formula)
			}
		}
	}
}

func TestFormulaRefuses(t *testing.T) {
	for formula, want := range map[string]string{
		"a + d":                    "unknown name d",
		"a +":                      "unexpected token",
		"len(\"text\")":            `"\"text\"" is not simulated`,
		"len(map(1..3, # + a))":    `".." is not simulated`,
		"[a, b][0]":                `"[a, b][0]" is not simulated`,
		"reduce([a, b], # + #acc)": `"reduce" is not simulated`,
		"now().Unix()":             "unknown name now",
		"a in [1, 2] ? 1 : 2":      `"in" is not simulated`,
	} {
		if _, err := Read(formula, triggers); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", formula, err, want)
		}
	}
}

// A writer writes formulas at random.
type writer struct{ *rand.Rand }

func (w writer) pick(of ...string) string { return of[w.IntN(len(of))] }

func (w writer) number(depth int) string {
	if depth <= 0 {
		return w.pick("a", "b", "c", "0", "1", "2", "7", "0.5", "2.25", "1e3", "nil")
	}
	d := depth - 1
	switch w.IntN(12) {
	case 0, 1, 2, 3:
		return "(" + w.number(d) + " " + w.pick("+", "-", "*", "/", "%", "**") + " " + w.number(d) + ")"
	case 4:
		return "(" + w.condition(d) + " ? " + w.number(d) + " : " + w.number(d) + ")"
	case 5:
		return "(" + w.number(d) + " ?? " + w.number(d) + ")"
	case 6:
		return w.pick("abs", "ceil", "floor", "round", "int", "float", "-", "+") + "(" + w.number(d) + ")"
	case 7:
		return w.pick("max", "min", "mean", "median") + "(" + w.list(d) + w.pick("", ", "+w.number(d)) + ")"
	case 8:
		return "sum(" + w.list(d) + w.pick("", ", {# "+w.pick("+", "*")+" "+w.number(d)+"}") + ")"
	case 9:
		return "count(" + w.list(d) + ", {" + w.asked(d) + "})"
	case 10:
		return "len(" + w.list(d) + ")"
	default:
		return w.number(0)
	}
}

func (w writer) asked(d int) string {
	return "# " + w.pick("<", "<=", ">", ">=", "==", "!=") + " " + w.number(d)
}

func (w writer) condition(d int) string {
	switch w.IntN(6) {
	case 0:
		return "(" + w.condition(0) + " " + w.pick("and", "or", "&&", "||") + " " + w.condition(0) + ")"
	case 1:
		return w.pick("not ", "!") + "(" + w.condition(0) + ")"
	case 2:
		return w.pick("any", "all", "none", "one") + "(" + w.list(d) + ", {" + w.asked(0) + "})"
	default:
		return "(" + w.number(d) + " " + w.pick("<", "<=", ">", ">=", "==", "!=") + " " + w.number(d) + ")"
	}
}

func (w writer) list(d int) string {
	switch w.IntN(4) {
	case 0:
		return "filter(" + w.list(0) + ", {" + w.asked(0) + "})"
	case 1:
		return "map(" + w.list(0) + ", {# " + w.pick("+", "-", "*", "/") + " " + w.number(0) + "})"
	default:
		items := []string{}
		for range w.IntN(4) {
			items = append(items, w.number(d-1))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
}

func (w writer) formula() string {
	if w.IntN(4) == 0 {
		return "let x = " + w.number(2) + "; " + strings.ReplaceAll(w.number(2), "c", "x")
	}
	return w.number(3)
}

func (w writer) values() map[string]float64 {
	values := map[string]float64{}
	for _, name := range triggers {
		if w.IntN(4) > 0 {
			values[name] = []float64{0, 1, -1, 2.5, 1e6, 0.001, 9e9, float64(w.IntN(20))}[w.IntN(8)]
		}
	}
	return values
}

// INV-1.
func FuzzFormula(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := writer{rand.New(rand.NewPCG(seed, 7))}
		formula := w.formula()
		for range 4 {
			same(t, formula, w.values())
		}
	})
}

// Most of what the writer writes is taken, or the fuzzing would show nothing.
func TestFormulasAreTaken(t *testing.T) {
	taken := 0
	for seed := range uint64(1000) {
		w := writer{rand.New(rand.NewPCG(seed, 7))}
		if _, err := Read(w.formula(), triggers); err == nil {
			taken++
		}
	}
	if taken < 400 {
		t.Errorf("%d of 1000 formulas are taken", taken)
	}
}
