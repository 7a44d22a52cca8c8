package wva

import (
	"math"

	"github.com/flyball-dev/flyball/internal/law"
)

// A Kalman learns α, β, γ of queueing.go from observed latencies: an extended Kalman
// filter (github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/
// analyzers/queueingmodel/tuner) with the identity as transition. The process noise is
// 5 % of the state, the measurement's is 5 % of what was observed at 1.96 deviations. An
// observation whose normalised innovation squared reaches 7.378 is not believed, and the
// state stays within a hundredth and a hundred times its start. The zero value is at the
// start.
type Kalman struct {
	Started    bool
	X          Coefficients
	Covariance [3][3]float64
}

// startCoefficients are 5 ms, 0.05 ms and 0.00005 ms.
func startCoefficients() Coefficients { return Coefficients{5e-3, 5e-5, 5e-8} }

// estimate is the state.
func (k Kalman) estimate() Coefficients {
	if !k.Started {
		return startCoefficients()
	}
	return k.X
}

// learn takes one observation at λ arrivals per second and replica.
func (k Kalman) learn(s law.Shape, arrivals float64, seen latency) Kalman {
	const noise, gate = 0.05, 7.378
	if !k.Started {
		k.Started, k.X = true, startCoefficients()
	}
	for i := range k.X { // predict
		k.Covariance[i][i] += noise * k.X[i] * noise * k.X[i]
	}
	most := 0.999 * k.X.rate(s, chainBatch)
	h := func(x Coefficients) latency { return x.chain(s).at(min(arrivals, most)) }
	expected := h(k.X)
	v := [2]float64{seen.ttft - expected.ttft, seen.itl - expected.itl}
	var jacobian [2][3]float64
	for j := range k.X {
		step := k.X[j] * 1e-4
		moved := k.X
		moved[j] += step
		there := h(moved)
		jacobian[0][j], jacobian[1][j] = (there.ttft-expected.ttft)/step, (there.itl-expected.itl)/step
	}
	r := [2]float64{noise * seen.ttft / 1.96, noise * seen.itl / 1.96}
	inverse, ph, ok := k.innovation(jacobian, r)
	nis := v[0]*(inverse[0][0]*v[0]+inverse[0][1]*v[1]) + v[1]*(inverse[1][0]*v[0]+inverse[1][1]*v[1])
	if !ok || !(nis < gate) {
		return k
	}
	return k.update(inverse, ph, v)
}

// innovation is the inverse of H·P·Hᵀ + R, and P·Hᵀ.
func (k Kalman) innovation(h [2][3]float64, r [2]float64) (inverse [2][2]float64, ph [3][2]float64, ok bool) {
	for i := range 3 {
		for j := range 2 {
			for m := range 3 {
				ph[i][j] += k.Covariance[i][m] * h[j][m]
			}
		}
	}
	var s [2][2]float64
	for i := range 2 {
		for j := range 2 {
			for m := range 3 {
				s[i][j] += h[i][m] * ph[m][j]
			}
		}
		s[i][i] += r[i] * r[i]
	}
	determinant := s[0][0]*s[1][1] - s[0][1]*s[1][0]
	if !(math.Abs(determinant) > 0) || math.IsInf(determinant, 0) {
		return inverse, ph, false
	}
	return [2][2]float64{
		{s[1][1] / determinant, -s[0][1] / determinant}, {-s[1][0] / determinant, s[0][0] / determinant},
	}, ph, true
}

// update is the measurement step.
func (k Kalman) update(inverse [2][2]float64, ph [3][2]float64, v [2]float64) Kalman {
	var gain [3][2]float64
	for i := range 3 {
		for j := range 2 {
			gain[i][j] = ph[i][0]*inverse[0][j] + ph[i][1]*inverse[1][j]
		}
	}
	start := startCoefficients()
	for i := range k.X {
		x := k.X[i] + gain[i][0]*v[0] + gain[i][1]*v[1]
		k.X[i] = min(max(x, start[i]/100), start[i]*100)
	}
	before := k.Covariance
	for i := range 3 {
		for j := range 3 {
			for m := range 2 { // P − K·(P·Hᵀ)ᵀ
				k.Covariance[i][j] -= gain[i][m] * ph[j][m]
			}
			if math.IsNaN(k.Covariance[i][j]) || math.IsInf(k.Covariance[i][j], 0) {
				k.Covariance = before // of what no number says anything
				return k
			}
		}
	}
	return k
}
