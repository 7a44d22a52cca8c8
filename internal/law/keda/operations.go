package keda

import (
	"math"
	"slices"
)

// apply is an operation on values.
func apply(op Op, args []value) value {
	switch {
	case op == OpList:
		return list(args)
	case op >= OpMax && op <= OpSum:
		return ofMany(op, args)
	case len(args) == 1:
		return ofOne(op, args[0])
	case len(args) == 2:
		return ofTwo(op, args[0], args[1])
	}
	return value{}
}

func ofTwo(op Op, a, b value) value {
	switch {
	case op == OpEqual:
		return condition(equal(a, b))
	case op == OpUnequal:
		return condition(!equal(a, b))
	case !a.numeric() || !b.numeric():
		return value{}
	case op >= OpLess && op <= OpGreaterEqual:
		return compared(op, a, b)
	case a.kind == kindInt && b.kind == kindInt:
		return ofInts(op, a.whole, b.whole)
	}
	return ofFloats(op, a.float(), b.float())
}

func ofOne(op Op, v value) value {
	switch {
	case op == OpNot && v.kind == kindBool:
		return condition(!v.holds)
	case op == OpLen && v.kind == kindList:
		return integer(len(v.list))
	case !v.numeric():
		return value{}
	case v.kind == kindInt:
		return ofInt(op, v.whole)
	}
	return ofFloat(op, v.number)
}

func ofInt(op Op, n int) value {
	switch op {
	case OpNegate:
		return integer(-n)
	case OpAbs:
		return integer(max(n, -n))
	case OpToInt:
		return integer(n)
	case OpToFloat, OpCeil, OpFloor, OpRound:
		return float(float64(n))
	default:
		return value{}
	}
}

func ofFloat(op Op, x float64) value {
	const whole = 1 << 62
	switch op {
	case OpNegate:
		return float(-x)
	case OpAbs:
		if x < 0 {
			return float(-x)
		}
		return float(x)
	case OpToFloat:
		return float(x)
	case OpCeil:
		return float(math.Ceil(x))
	case OpFloor:
		return float(math.Floor(x))
	case OpRound:
		return float(math.Round(x))
	case OpToInt:
		if x > -whole && x < whole {
			return integer(int(x))
		}
		return value{} // what it is depends on the processor
	default:
		return value{}
	}
}

func ofInts(op Op, a, b int) value {
	switch {
	case op == OpAdd:
		return integer(a + b)
	case op == OpSubtract:
		return integer(a - b)
	case op == OpMultiply:
		return integer(a * b)
	case op == OpModulo && b != 0:
		return integer(a % b)
	case op == OpModulo:
		return value{}
	}
	return ofFloats(op, float64(a), float64(b))
}

func ofFloats(op Op, a, b float64) value {
	switch op {
	case OpAdd:
		return float(a + b)
	case OpSubtract:
		return float(a - b)
	case OpMultiply:
		return float(a * b)
	case OpDivide:
		return float(a / b)
	case OpPower:
		return float(math.Pow(a, b))
	default:
		return value{}
	}
}

func compared(op Op, a, b value) value {
	less, same := a.float() < b.float(), a.float() == b.float()
	if a.kind == kindInt && b.kind == kindInt {
		less, same = a.whole < b.whole, a.whole == b.whole
	}
	switch op {
	case OpLess:
		return condition(less)
	case OpLessEqual:
		return condition(less || same)
	case OpGreater:
		return condition(compared(OpLess, b, a).holds)
	default:
		return condition(compared(OpLess, b, a).holds || same)
	}
}

func equal(a, b value) bool {
	switch {
	case a.kind == kindInt && b.kind == kindInt:
		return a.whole == b.whole
	case a.numeric() && b.numeric():
		return a.float() == b.float()
	}
	return a.kind == b.kind && a.holds == b.holds && slices.EqualFunc(a.list, b.list, equal)
}

// ofMany is of the arguments and the elements of those that are lists.
func ofMany(op Op, args []value) value {
	all, ok := flat(nil, args)
	switch {
	case !ok:
		return value{}
	case op == OpSum:
		sum := integer(0)
		for _, v := range all {
			sum = apply(OpAdd, []value{sum, v})
		}
		return sum
	case op == OpMax || op == OpMin:
		return extreme(op, all)
	case len(all) == 0:
		return float(0)
	case op == OpMean:
		sum := 0.0
		for _, v := range all {
			sum += v.float()
		}
		return float(sum / float64(len(all)))
	}
	return median(all)
}

// flat are the numbers among the values and in their lists; false if there is anything
// else.
func flat(into, values []value) ([]value, bool) {
	for _, v := range values {
		ok := v.numeric()
		if ok {
			into = append(into, v)
		}
		if v.kind == kindList {
			into, ok = flat(into, v.list)
		}
		if !ok {
			return nil, false
		}
	}
	return into, true
}

// extreme is the first of the greatest, or of the least; nil of none.
func extreme(op Op, all []value) value {
	if len(all) == 0 {
		return value{kind: kindNil}
	}
	better := OpGreater
	if op == OpMin {
		better = OpLess
	}
	best := all[0]
	for _, v := range all[1:] {
		if compared(better, v, best).holds {
			best = v
		}
	}
	return best
}

func median(all []value) value {
	sorted := make([]float64, len(all))
	for i, v := range all {
		sorted[i] = v.float()
	}
	slices.Sort(sorted)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return float(sorted[middle])
	}
	return float((sorted[middle-1] + sorted[middle]) / 2)
}
