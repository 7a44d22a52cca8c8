package capacity

import (
	"math"
	"time"
)

// A Use is what one pod did in one interval, by the differences of its counters.
type Use struct {
	Took time.Duration
	// Gaps counts the tokens after the first of each request, and GapSeconds is the sum
	// of the times between two of them (vllm:inter_token_latency_seconds).
	Gaps, GapSeconds float64
	PromptTokens     float64 // computed, without those that were cached
	Context          float64 // tokens that a sequence holds, on average
}

// leastGaps is how many tokens an interval must have for its mean to say anything.
const leastGaps = 20

func (u Use) valid() bool {
	for _, x := range [...]float64{u.Gaps, u.GapSeconds, u.PromptTokens, u.Context} {
		if !(x >= 0 && x < 1e12) {
			return false
		}
	}
	return u.Took >= time.Second && u.Gaps >= leastGaps && u.GapSeconds > 1e-6*u.Gaps && u.GapSeconds < 1e3*u.Gaps
}

// row is the equation that an interval gives. With y the mean time between two tokens,
// as those see it that decode, and n = GapSeconds/Took of them on average,
//
//	y = Step + Prompt·y·PromptTokens/Took + Sequence·(1+n) + Context·(1+n)·Use.Context
//
// Time without work is in none of it. The prompts' term is the sum over all steps of
// sequences × prompt tokens: prompts that arrive at random find n sequences, on average,
// and each token finds n others (PASTA).
//
// Worked example (TestRow): in 15 s 3,000 gaps of 60 ms and 24,000 prompt tokens: n = 12,
// and 60 ms = Step + 96·Prompt + 13·Sequence + 13·1,200·Context.
func (u Use) row() (x vector, y float64) {
	y, n := u.GapSeconds/u.Gaps, u.GapSeconds/u.Took.Seconds()
	return vector{1, y * u.PromptTokens / u.Took.Seconds(), 1 + n, (1 + n) * u.Context}, y
}

// noise is the deviation of a row, as a share of y. Of pods that are busy rows scatter
// by 1 %; the rest is for what a straight line does not know: steps with few prompt
// tokens cost less than it says, full ones more. Half or twice as much changes little.
const noise = 0.03

// A Fit is what has been learned of an engine's costs. The zero value has seen nothing.
type Fit struct {
	Precision matrix // of the rows, in 1/cost²
	Moment    vector
	Rows      float64 // those not forgotten
	// Above and Below add up how far rows lie above or below what was expected of them,
	// in deviations, less one half for each.
	Above, Below float64
	// Changed counts how often they lay so far off that what was learned before was
	// given up.
	Changed int
}

const (
	// halfLife is how long a row counts for half: engines are made anew by rollouts,
	// which a change shows, and not by the hour.
	halfLife = 24 * time.Hour
	// limit is how far Above and Below may go: a cost that doubled is seen after two
	// rows, one that is 10 % more after three, and by chance one in a year of rows is.
	limit = 6
	// kept is the share of what was learned that a change leaves.
	kept = 0.02
)

// Learn is the fit with an interval more. One that says nothing changes nothing.
func (f Fit) Learn(p Prior, u Use) Fit {
	if !u.valid() {
		return f
	}
	x, y := u.row()
	expected := 0.0
	for i, c := range f.Estimate(p).Costs.vector() {
		expected += x[i] * c
	}
	f = f.surprise((y-expected)/(noise*y), f.Rows >= 4)
	left := math.Exp2(-u.Took.Seconds() / halfLife.Seconds())
	w := 1 / (noise * noise * y * y)
	for i := range x {
		for j := range x {
			f.Precision[i][j] = f.Precision[i][j]*left + w*x[i]*x[j]
		}
		f.Moment[i] = f.Moment[i]*left + w*x[i]*y
	}
	f.Rows = f.Rows*left + 1
	return f
}

// surprise counts a row that lies so many deviations above what was expected.
func (f Fit) surprise(deviations float64, settled bool) Fit {
	deviations = min(max(deviations, -limit), limit)
	f.Above, f.Below = max(0, f.Above+deviations-0.5), max(0, f.Below-deviations-0.5)
	if f.Above < limit && f.Below < limit {
		return f
	}
	f.Above, f.Below = 0, 0
	if !settled { // it was the prior that was wrong
		return f
	}
	f.Changed++
	f.Rows *= kept
	for i := range f.Precision {
		f.Moment[i] *= kept
		for j := range f.Precision[i] {
			f.Precision[i][j] *= kept
		}
	}
	return f
}

// A Belief is an engine's costs with their covariance.
type Belief struct {
	Costs      Costs
	covariance matrix
	Rows       float64
}

// leastCost is the share of the prior's cost that no cost falls below.
const leastCost = 0.02

// Estimate is what prior and rows say together.
func (f Fit) Estimate(p Prior) Belief {
	p = p.or(Unknown())
	scale := p.Costs.vector() // costs in units of the prior's, so that all are near 1
	precision := p.precision()
	var moment vector
	for i := range precision {
		for j := range precision[i] {
			moment[i] += precision[i][j]
			precision[i][j] += f.Precision[i][j] * scale[i] * scale[j]
		}
	}
	for i := range moment {
		moment[i] += f.Moment[i] * scale[i]
	}
	covariance, ok := precision.inverse()
	if !ok {
		return Fit{}.Estimate(p)
	}
	var c vector
	for i := range c {
		for j := range c {
			c[i] += covariance[i][j] * moment[j]
			covariance[i][j] *= scale[i] * scale[j]
		}
		c[i] = max(c[i], leastCost) * scale[i]
	}
	return Belief{c.costs(), covariance, f.Rows}
}

// deviation is that of a function of the costs, as a share of its value.
func (e Belief) deviation(of func(Costs) float64) float64 {
	const step = 0.01
	at, c := of(e.Costs), e.Costs.vector()
	if !(at > 0) {
		return math.Inf(1)
	}
	var slope vector
	for i := range c {
		moved := c
		moved[i] *= 1 + step
		slope[i] = (of(moved.costs()) - at) / (step * c[i])
	}
	variance := 0.0
	for i := range slope {
		for j := range slope {
			variance += slope[i] * e.covariance[i][j] * slope[j]
		}
	}
	return math.Sqrt(max(variance, 0)) / at
}
