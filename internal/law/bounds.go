package law

import "math"

// Bounds are the least and the most replicas. A maximum of 0 is no maximum.
type Bounds struct{ Min, Max int }

// Clamp brings a number within the bounds; the minimum gives way to the maximum.
func (b Bounds) Clamp(n int) int { return min(max(n, b.Min, 0), b.Most()) }

// Most is the maximum, where there is none as many as any law asks for.
func (b Bounds) Most() int {
	if b.Max <= 0 {
		return Most
	}
	return min(b.Max, Most)
}

// Least is the minimum, unless the maximum is less.
func (b Bounds) Least() int { return b.Clamp(0) }

// Most is as many replicas as any law asks for: a number that no sum overflows.
const Most = 1 << 20

// Ceil rounds up to a number of replicas; what is no number is none.
func Ceil(x float64) int { return Count(math.Ceil(x)) }

// Floor rounds down to a number of replicas.
func Floor(x float64) int { return Count(math.Floor(x)) }

// Count is a whole number of replicas: x is truncated, NaN is 0.
func Count(x float64) int {
	switch {
	case math.IsNaN(x) || x <= 0:
		return 0
	case x >= Most:
		return Most
	default:
		return int(x)
	}
}

// Milli is a value in the thousandths that Kubernetes counts in; what is no number is
// none.
func Milli(x float64) int64 {
	const limit = 1 << 53
	if math.IsNaN(x) {
		return 0
	}
	return int64(math.Round(min(max(x*1000, -limit), limit)))
}
