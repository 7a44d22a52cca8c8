package forecast

import (
	"math"
	"time"
)

// Rises are by how much a level rose within a lead time, and how often. A rise is counted
// in powers of three quarters, between an absolute one (1) and a relative one (0), because
// traffic jumps by less than in proportion and by more than a fixed amount. The zero value
// has seen none.
type Rises struct {
	Seconds [numRises]float64 // of lead times that ended with that rise, fading
}

const (
	numRises = 121
	// grain is the resolution at no rise; it is a tenth of a rise farther out.
	grain = 0.05
	// memory is how long a rise counts for half.
	memory = 24 * time.Hour
)

// Power is what a rise is counted in.
func Power(level float64) float64 {
	if !(level > 0) {
		return 0
	}
	return math.Sqrt(level * math.Sqrt(level))
}

// Level is the level of a power.
func Level(p float64) float64 {
	if !(p > 0) {
		return 0
	}
	return p * math.Cbrt(p)
}

func riseBin(rise float64) int {
	i := math.Round(math.Asinh(rise/grain)*10) + numRises/2
	return int(min(max(i, 0), numRises-1))
}

// rises are those of the bins.
var rises = func() (of [numRises]float64) {
	for i := range of {
		of[i] = grain * math.Sinh(float64(i-numRises/2)/10)
	}
	return of
}()

// Learn is the rises with one more that was seen for so long.
func (r Rises) Learn(rise float64, took time.Duration) Rises {
	if math.IsNaN(rise) || took <= 0 {
		return r
	}
	left := math.Exp2(-took.Seconds() / memory.Seconds())
	for i := range r.Seconds {
		r.Seconds[i] *= left
	}
	r.Seconds[riseBin(rise)] += took.Seconds()
	return r
}

// An Outcome is a rise with the share of lead times that end with it.
type Outcome struct{ Rise, Share float64 }

// priorSeconds is how much time what is believed before anything was seen is worth. It
// is the price of never having seen a jump, and the one constant here that nothing yields:
// see docs/design/0005-the-law.md for how little turns on it.
const priorSeconds = 1800

// prior is what is believed: small rises, and jumps so rare per 100 s.
var prior = [...]struct {
	rise, share float64
	jump        bool
}{
	{-0.2, 0.15, false}, {-0.1, 0.2, false}, {0, 0.3, false}, {0.1, 0.2, false}, {0.2, 0.15, false},
	{0.3, 0.015, true}, {0.45, 0.006, true}, {0.6, 0.003, true}, {0.9, 0.001, true},
}

// priorBins are the bins of what is believed.
var priorBins = func() (of [len(prior)]int) {
	for i, p := range prior {
		of[i] = riseBin(p.rise)
	}
	return of
}()

// Within are the rises to be expected within a lead time, what is believed and what was
// seen taken together, in ascending order. It appends to a slice that is used again.
func (r *Rises) Within(lead time.Duration, into []Outcome) []Outcome {
	seconds := r.Seconds
	jumps := min(max(lead.Seconds()/100, 0), 10)
	for i, p := range prior {
		share := p.share * jumps
		if !p.jump {
			share = p.share * (1 - 0.025*jumps)
		}
		seconds[priorBins[i]] += share * priorSeconds
	}
	sum := 0.0
	for _, s := range seconds {
		sum += s
	}
	for i, s := range seconds {
		if s > 1e-6*sum {
			into = append(into, Outcome{rises[i], s / sum})
		}
	}
	return into
}
