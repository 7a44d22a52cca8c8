package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Length draws how many tokens one side of a request has.
type Length func(*rand.Rand) int

// Lengths draw both sides of a request; they need not be independent.
type Lengths func(*rand.Rand) (input, output int)

// Independent lengths know nothing of each other.
func Independent(input, output Length) Lengths {
	return func(r *rand.Rand) (int, int) { return input(r), output(r) }
}

// Constant lengths are all alike.
func Constant(tokens int) (Length, error) {
	return func(*rand.Rand) int { return tokens }, checkTokens(tokens, tokens)
}

// Uniform lengths lie from low to high, both included.
func Uniform(low, high int) (Length, error) {
	if err := checkTokens(low, high); err != nil {
		return nil, err
	}
	return func(r *rand.Rand) int { return low + r.IntN(high-low+1) }, nil
}

// A Spread is a bell with its ends cut off: what is drawn outside Low to High becomes
// Low or High, so that its mean is not quite Mean.
type Spread struct {
	Mean, Deviation float64
	Low, High       int
}

func (s Spread) validate() error {
	if !(s.Mean > 0 && s.Mean <= maxTokens && s.Deviation >= 0 && s.Deviation <= maxTokens) {
		return fmt.Errorf("a length of mean %v and deviation %v: must be from 0 to %d tokens", s.Mean, s.Deviation, maxTokens)
	}
	return checkTokens(s.Low, s.High)
}

func (s Spread) cut(tokens float64) int {
	return int(math.Round(min(max(tokens, float64(s.Low)), float64(s.High))))
}

// Normal lengths are a normal distribution, cut.
func Normal(s Spread) (Length, error) {
	return func(r *rand.Rand) int { return s.cut(s.Mean + s.Deviation*r.NormFloat64()) }, s.validate()
}

// LogNormal lengths have a logarithm that is normally distributed, cut; Mean and
// Deviation are those of the lengths themselves.
func LogNormal(s Spread) (Length, error) {
	variation := s.Deviation / s.Mean
	sigma2 := math.Log1p(variation * variation)
	mu, sigma := math.Log(s.Mean)-sigma2/2, math.Sqrt(sigma2)
	return func(r *rand.Rand) int { return s.cut(math.Exp(mu + sigma*r.NormFloat64())) }, s.validate()
}

// A Quantile is a length that Percent of all requests do not exceed.
type Quantile struct {
	Percent float64
	Tokens  int
}

// Quantiles draws from a distribution of which quantiles are known: between two of them
// the length grows evenly, outside it is the first or the last.
func Quantiles(points []Quantile) (Length, error) {
	if len(points) == 0 {
		return nil, fmt.Errorf("no quantiles")
	}
	for i, p := range points {
		switch {
		case !(p.Percent >= 0 && p.Percent <= 100):
			return nil, fmt.Errorf("percentile %v: must be from 0 to 100", p.Percent)
		case p.Tokens < 0 || p.Tokens > maxTokens:
			return nil, fmt.Errorf("%d tokens: must be from 0 to %d", p.Tokens, maxTokens)
		case i > 0 && (p.Percent <= points[i-1].Percent || p.Tokens < points[i-1].Tokens):
			return nil, fmt.Errorf("percentile %v with %d tokens follows %v with %d: percentiles must grow and lengths not fall",
				p.Percent, p.Tokens, points[i-1].Percent, points[i-1].Tokens)
		}
	}
	points = slices.Clone(points)
	return func(r *rand.Rand) int { return max(1, interpolate(points, 100*r.Float64())) }, nil
}

func interpolate(points []Quantile, percent float64) int {
	i := sort.Search(len(points), func(i int) bool { return points[i].Percent >= percent })
	switch {
	case i == 0:
		return points[0].Tokens
	case i == len(points):
		return points[i-1].Tokens
	}
	a, b := points[i-1], points[i]
	share := (percent - a.Percent) / (b.Percent - a.Percent)
	return int(math.Round(float64(a.Tokens) + share*float64(b.Tokens-a.Tokens)))
}

// A Pair is the two lengths of one request.
type Pair struct{ Input, Output int }

// Empirical lengths are drawn from those that were seen, both sides of one request
// together.
func Empirical(seen []Pair) (Lengths, error) {
	if len(seen) == 0 {
		return nil, fmt.Errorf("no lengths to draw from")
	}
	for _, p := range seen {
		if err := checkTokens(min(p.Input, p.Output), max(p.Input, p.Output)); err != nil {
			return nil, err
		}
	}
	seen = slices.Clone(seen)
	return func(r *rand.Rand) (int, int) {
		p := seen[r.IntN(len(seen))]
		return p.Input, p.Output
	}, nil
}

func checkTokens(low, high int) error {
	if low < 1 || high < low || high > maxTokens {
		return fmt.Errorf("a length of %d to %d tokens: must be from 1 to %d, the smaller first", low, high, maxTokens)
	}
	return nil
}
