package capacity

import "math"

// Costs are what one step of an engine takes, in seconds. With p tokens of prompts that
// it computes, b sequences that decode and KV tokens of context that those read
//
//	step = Step + Prompt·p + Sequence·b + Context·KV
type Costs struct{ Step, Prompt, Sequence, Context float64 }

const numCosts = 4

type vector [numCosts]float64

type matrix [numCosts]vector

func (c Costs) vector() vector { return vector{c.Step, c.Prompt, c.Sequence, c.Context} }

func (v vector) costs() Costs { return Costs{v[0], v[1], v[2], v[3]} }

// A Prior is what is believed of an engine before anything was seen of it: Costs, each
// with a deviation that all of them share, as that of another GPU, and one of its own.
// Both are shares of the cost.
type Prior struct {
	Costs        Costs
	Common, Each float64
}

// Known is the prior of an engine whose costs were measured on a benchmark. It takes
// them for 1.3 times as much, so that what is not yet learned errs to the safe side.
func Known(c Costs) Prior { return Prior{c.times(1.3), 0.3, 0.2} }

// Unknown is the prior of any engine: the geometric mean of the profiles that ship, each
// of which is within a factor of five of it, and likewise 1.3 times as much.
func Unknown() Prior { return Prior{Costs{15e-3, 59e-6, 70e-6, 60e-9}.times(1.3), 1, 0.7} }

func (c Costs) times(f float64) Costs {
	return Costs{c.Step * f, c.Prompt * f, c.Sequence * f, c.Context * f}
}

// valid says whether it can be computed with.
func (p Prior) valid() bool {
	for _, c := range p.Costs.vector() {
		if !(c > 1e-15 && c < 1e3) {
			return false
		}
	}
	return p.Each > 1e-6 && p.Each < 1e3 && p.Common >= 0 && p.Common < 1e3
}

// or is the prior, or that of any engine if it cannot be computed with.
func (p Prior) or(otherwise Prior) Prior {
	if p.valid() {
		return p
	}
	return otherwise
}

// precision is the inverse of the covariance, in units of the prior's own costs: that of
// e²·1 + c²·11ᵀ, which has a closed form.
func (p Prior) precision() matrix {
	each, common := p.Each*p.Each, p.Common*p.Common
	off := common / each / (each + numCosts*common)
	var m matrix
	for i := range m {
		for j := range m[i] {
			m[i][j] = -off
		}
		m[i][i] += 1 / each
	}
	return m
}

// inverse of a symmetric, positive definite matrix, by Cholesky; false if it is not.
func (m matrix) inverse() (matrix, bool) {
	var low matrix
	for i := range m {
		for j := 0; j <= i; j++ {
			sum := m[i][j]
			for k := range j {
				sum -= low[i][k] * low[j][k]
			}
			switch {
			case i != j:
				low[i][j] = sum / low[j][j]
			case !(sum > 0) || math.IsInf(sum, 0):
				return matrix{}, false
			default:
				low[i][i] = math.Sqrt(sum)
			}
		}
	}
	var inv matrix
	for c := range m { // a column of the inverse: low·lowᵀ·x = unit vector
		var x vector
		for i := range m {
			x[i] = unit(i, c)
			for k := range i {
				x[i] -= low[i][k] * x[k]
			}
			x[i] /= low[i][i]
		}
		for i := numCosts - 1; i >= 0; i-- {
			for k := i + 1; k < numCosts; k++ {
				x[i] -= low[k][i] * x[k]
			}
			x[i] /= low[i][i]
			inv[i][c] = x[i]
		}
	}
	return inv, true
}

func unit(i, j int) float64 {
	if i == j {
		return 1
	}
	return 0
}
