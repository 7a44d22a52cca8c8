package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Gaps draws the time between two arrivals in units of its mean: what a process is
// made of beside its rate.
type Gaps func(*rand.Rand) float64

// Even gaps are all alike.
func Even() Gaps { return func(*rand.Rand) float64 { return 1 } }

// Exponential gaps make a Poisson process.
func Exponential() Gaps { return (*rand.Rand).ExpFloat64 }

// checkCV refuses what no gap can have; above 20 an hour holds nothing but a burst.
func checkCV(cv float64) error {
	if !(cv >= 0.05 && cv <= 20) {
		return fmt.Errorf("cv is %v, must be from 0.05 to 20", cv)
	}
	return nil
}

// Gamma gaps have a coefficient of variation of cv: 1 is Poisson, more is burstier.
func Gamma(cv float64) (Gaps, error) {
	shape := 1 / (cv * cv)
	return func(r *rand.Rand) float64 { return gamma(r, shape) / shape }, checkCV(cv)
}

// gamma draws from the gamma distribution of scale 1 (Marsaglia and Tsang, "A simple
// method for generating gamma variables", 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(1-r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Weibull gaps have a coefficient of variation of cv; for cv above 1 their tail is
// longer than Gamma's.
func Weibull(cv float64) (Gaps, error) {
	if err := checkCV(cv); err != nil {
		return nil, err
	}
	shape := weibullShape(cv)
	inverse := 1 / shape
	scale := 1 / math.Gamma(1+inverse)
	return func(r *rand.Rand) float64 { return scale * math.Pow(r.ExpFloat64(), inverse) }, nil
}

// weibullShape halves the interval until cv² = Γ(1+2/k)/Γ(1+1/k)² − 1, which falls in k.
func weibullShape(cv float64) float64 {
	low, high := 0.05, 100.0
	for range 100 {
		k := math.Sqrt(low * high)
		second, _ := math.Lgamma(1 + 2/k)
		first, _ := math.Lgamma(1 + 1/k)
		if math.Expm1(second-2*first) > cv*cv {
			low = k
		} else {
			high = k
		}
	}
	return high
}
