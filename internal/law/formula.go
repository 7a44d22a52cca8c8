package law

import "math"

// The formulas: the number after a rule, from the number before it and the operands in
// the order of the rule's needs.

func hold(from int, _ operands) int      { return from }
func oneMore(from int, _ operands) int   { return from + 1 }
func oneFewer(from int, _ operands) int  { return from - 1 }
func set(_ int, x operands) int          { return x.n(0) }
func atLeast(from int, x operands) int   { return max(from, x.n(0)) }
func atMost(from int, x operands) int    { return min(from, x.n(0)) }
func lesser(_ int, x operands) int       { return min(x.n(0), x.n(1)) }
func between(_ int, x operands) int      { return min(max(x.n(0), x.n(1)), x.n(2)) }
func activate(_ int, x operands) int     { return max(x.n(0), 1) }
func lastOne(_ int, x operands) int      { return min(max(x.n(0), 0), 1) }
func roundedUp(from int, x operands) int { return max(from, Ceil(x[0])) }
func product(_ int, x operands) int      { return Ceil(x[0] * x[1]) }
func quotient(_ int, x operands) int     { return Ceil(x[0] / x[1]) }

// backlog serves what arrives, and what is held within a time. Operands: arrivals, held,
// time, capacity.
func backlog(from int, x operands) int { return max(from, Ceil((x[0]+x[1]/x[2])/x[3])) }

func quotientOrOne(_ int, x operands) int { return max(Ceil(x[0]/x[1]), 1) }

// overGoal divides in the thousandths that Kubernetes counts in.
func overGoal(_ int, x operands) int { return Ceil(float64(Milli(x[0])) / float64(Milli(x[1]))) }

// knative is ⌈load/target⌉ within the rates; any but none is at least the activation
// scale. Operands: load, target, least, most, activation.
func knative(_ int, x operands) int { return knativePods(x[0], x) }

func knativePods(load float64, x operands) int {
	want := math.Ceil(load / x[1])
	n := Count(min(max(want, x[2]), x[3]))
	if want > 0 && x[4] > 1 {
		return max(n, x.n(4))
	}
	return n
}

// panicking is the most of both windows, and of what was wanted since.
func panicking(_ int, x operands) int {
	return max(knativePods(x[0], x), knativePods(x[5], x), x.n(6))
}

// limited keeps a number of pods within the rates of n.
func limited(want, n, up, down float64) float64 {
	if up > 0 {
		want = min(want, float64(Ceil(up*n)))
	}
	if down > 0 {
		want = max(want, float64(Floor(n/down)))
	}
	return want
}

// proportional is ⌈n·load/target⌉ within the rates.
func proportional(from int, x operands) int {
	n := float64(from)
	return Count(limited(math.Ceil(n*(x[0]/x[1])), n, x[2], x[3]))
}

// aibrix is ⌈load/target⌉ within the rates, or n within the tolerance. Operands: load,
// target, up, down, tolerance, pods.
func aibrix(from int, x operands) int { return aibrixPods(from, x[0], x) }

func aibrixPods(from int, load float64, x operands) int {
	n := float64(from)
	want := n
	if each := load / x[5]; each < (1-x[4])*x[1] || each > (1+x[4])*x[1] {
		want = math.Ceil(load / x[1])
	}
	if from == 0 {
		return Count(min(want, 1))
	}
	return Count(limited(want, n, x[2], x[3]))
}

func aibrixPanic(from int, x operands) int {
	return max(aibrixPods(from, x[0], x), aibrixPods(from, x[6], x))
}

// scaled is ⌈c + f·(load/target − c)⌉, one fewer if that is c on the way down.
func scaled(_ int, x operands) int {
	desired, current := x[0]/x[1], x[2]
	n := Ceil(current + x[3]*(desired-current))
	if Ceil(desired) < x.n(2) && n == x.n(2) {
		n--
	}
	return n
}

// rate is ⌈rate/target⌉, at least one while requests are held.
func rate(_ int, x operands) int {
	n := Ceil(x[0] / x[1])
	if x[2] > 0 {
		return max(n, 1)
	}
	return n
}

// aboveBand is n + ⌈n·(s·credit/threshold − 1)⌉. The deficit is negative while the
// credited signal is below the threshold.
func aboveBand(_ int, x operands) int {
	more := x[3] * (x[0]*x[1]/x[2] - 1)
	if more < 0 {
		return x.n(3) - Floor(-more)
	}
	return x.n(3) + Ceil(more)
}

// belowBand is n − ⌊n·(1 − s/threshold)⌋.
func belowBand(_ int, x operands) int { return x.n(2) - Floor(x[2]*(1-x[0]/x[1])) }

// required is n + ⌈(demand/threshold − capacity·n)/capacity⌉.
func required(_ int, x operands) int {
	return x.n(3) + Ceil((x[0]/x[1]-x[2]*x[3])/x[2])
}

// spare is n − ⌊(capacity·ready − demand/threshold)/capacity⌋, but not the last one.
func spare(_ int, x operands) int {
	return max(x.n(3)-Floor((x[2]*x[4]-x[0]/x[1])/x[2]), min(x.n(3), 1))
}
