package score

import "math"

// An Interval is a mean over seeds and the half width of its 95 % confidence
// interval, by Student's t; the half width of one seed is not known and 0.
type Interval struct{ Mean, Half float64 }

// Over takes one value per seed.
func Over(values []float64) Interval {
	n := float64(len(values))
	if n == 0 {
		return Interval{}
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	i := Interval{Mean: sum / n}
	if n < 2 {
		return i
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - i.Mean) * (v - i.Mean)
	}
	i.Half = student(len(values)-1) * math.Sqrt(squares/(n-1)/n)
	return i
}

// student is the 97.5 % quantile of Student's t: tabled below 30 degrees of freedom,
// then by Cornish and Fisher's expansion, which is within 0.001 there.
func student(df int) float64 {
	table := [...]float64{
		12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
		2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
	}
	if df <= len(table) {
		return table[df-1]
	}
	const z = 1.959964
	return z + (z*z*z+z)/(4*float64(df))
}
