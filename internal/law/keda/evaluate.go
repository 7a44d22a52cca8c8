package keda

import "math"

// Evaluate is the formula's number from the triggers' values by name; a trigger that is
// missing is not in the map. It is false where the result is nil. An error, and what is
// no number, is NaN.
func (f Formula) Evaluate(triggers map[string]float64) (float64, bool) {
	e := evaluation{triggers: triggers, left: 1 << 14}
	v := e.of(f, scope{})
	switch v.kind {
	case kindNil:
		return 0, false
	case kindInt:
		return float64(v.whole), true
	case kindFloat:
		return v.number, true
	default:
		return math.NaN(), true
	}
}

// A kind is what a value is. The zero value is an error, which spreads.
type kind int

const (
	kindError kind = iota
	kindNil
	kindBool
	kindInt
	kindFloat
	kindList
)

type value struct {
	kind   kind
	holds  bool
	whole  int
	number float64
	list   []value
}

func condition(b bool) value       { return value{kind: kindBool, holds: b} }
func integer(n int) value          { return value{kind: kindInt, whole: n} }
func float(x float64) value        { return value{kind: kindFloat, number: x} }
func list(elements []value) value  { return value{kind: kindList, list: elements} }
func (v value) numeric() bool      { return v.kind == kindInt || v.kind == kindFloat }
func (v value) is(holds bool) bool { return v.kind == kindBool && v.holds == holds }

// float is a number's, whole or not.
func (v value) float() float64 {
	if v.kind == kindInt {
		return float64(v.whole)
	}
	return v.number
}

// A scope is what names stand for: a list of lets, innermost first, and the element of
// the innermost predicate.
type scope struct {
	outer   *scope
	name    string
	value   value
	element value
}

func (s *scope) find(name string) value {
	for ; s != nil; s = s.outer {
		if s.name == name && name != "" {
			return s.value
		}
	}
	return value{}
}

// An evaluation counts how many more operations it may take.
type evaluation struct {
	triggers map[string]float64
	left     int
}

// of is the value of a formula.
func (e *evaluation) of(f Formula, s scope) value {
	if e.left--; e.left < 0 {
		return value{}
	}
	switch {
	case f.Op <= OpElement:
		return e.leaf(f, s)
	case f.Op <= OpOr:
		return e.branch(f, s)
	case f.Op >= OpAll || f.Op == OpSum && len(f.Args) == 2:
		return e.predicate(f, s)
	}
	args := make([]value, len(f.Args))
	for i, a := range f.Args {
		if args[i] = e.of(a, s); args[i].kind == kindError {
			return value{}
		}
	}
	return apply(f.Op, args)
}

func (e *evaluation) leaf(f Formula, s scope) value {
	switch f.Op {
	case OpNil:
		return value{kind: kindNil}
	case OpFalse, OpTrue:
		return condition(f.Op == OpTrue)
	case OpInt:
		return integer(f.Int)
	case OpFloat:
		return float(f.Number)
	case OpTrigger:
		if x, ok := e.triggers[f.Name]; ok {
			return float(x)
		}
		return value{kind: kindNil}
	case OpVariable:
		return s.find(f.Name)
	case OpElement:
		return s.element
	default:
		return value{}
	}
}

// branch is of what need not evaluate all of its arguments.
func (e *evaluation) branch(f Formula, s scope) value {
	want := 2
	if f.Op == OpIf {
		want = 3
	}
	if len(f.Args) != want {
		return value{}
	}
	first := e.of(f.Args[0], s)
	switch {
	case first.kind == kindError:
		return first
	case f.Op == OpLet:
		return e.of(f.Args[1], scope{&s, f.Name, first, s.element})
	case f.Op != OpElse:
		return e.conditional(f, first, s)
	case first.kind == kindNil:
		return e.of(f.Args[1], s)
	}
	return first
}

// conditional is of what depends on whether the first argument holds.
func (e *evaluation) conditional(f Formula, first value, s scope) value {
	switch {
	case first.kind != kindBool:
		return value{}
	case f.Op == OpIf && !first.holds:
		return e.of(f.Args[2], s)
	case f.Op == OpAnd && !first.holds, f.Op == OpOr && first.holds:
		return first
	}
	return e.of(f.Args[1], s)
}

// predicate is of what asks about the elements of a list. Without a predicate the
// elements themselves are asked.
func (e *evaluation) predicate(f Formula, s scope) value {
	if len(f.Args) == 0 || len(f.Args) > 2 {
		return value{}
	}
	all := e.of(f.Args[0], s)
	if all.kind != kindList {
		return value{}
	}
	var a answers
	for _, element := range all.list {
		v := element
		if len(f.Args) == 2 {
			v = e.of(f.Args[1], scope{s.outer, s.name, s.value, element})
		}
		if v.kind == kindError || v.kind != kindBool && f.Op != OpMap && f.Op != OpSum {
			return value{}
		}
		a.mapped = append(a.mapped, v)
		if v.is(true) {
			a.kept = append(a.kept, element)
		}
		if enough(f, v, len(a.kept)) {
			break // the rest is not asked
		}
	}
	return a.result(f.Op)
}

// answers are what a predicate made of the elements, and those of which it held.
type answers struct{ mapped, kept []value }

func (a answers) result(op Op) value {
	switch op {
	case OpAll:
		return condition(len(a.kept) == len(a.mapped))
	case OpAny:
		return condition(len(a.kept) > 0)
	case OpNone:
		return condition(len(a.kept) == 0)
	case OpOne:
		return condition(len(a.kept) == 1)
	case OpCount:
		return integer(len(a.kept))
	case OpFilter:
		return list(a.kept)
	case OpMap:
		return list(a.mapped)
	default:
		return apply(OpSum, []value{list(a.mapped)})
	}
}

// enough says whether the rest cannot change the result.
func enough(f Formula, last value, holds int) bool {
	switch f.Op {
	case OpAll:
		return last.is(false)
	case OpAny, OpNone:
		return last.is(true)
	case OpCount:
		return f.Int > 0 && holds >= f.Int
	default:
		return false
	}
}
