package capacity

import "math"

// A Table is the model's log odds of a miss, for utilisations in steps of one twentieth
// up to 1.25 and for 1, 2, 4, 8 and 16 replicas. A utilisation is the rate of one replica
// over its Capacity.
type Table [numCounts][numUtilisations]float64

const (
	numCounts       = 5
	numUtilisations = 26
	utilisation     = 0.05 // step
)

// Table is the model's view of the replica. It rises with the utilisation; where the
// model's approximations to far tails do not, by parts in a million, they are made to.
func (r Replica) Table() Table {
	r = r.total()
	capacity, _ := r.Capacity()
	var t Table
	for k := range t {
		for i := range t[k] {
			t[k][i] = logOdds(r.missed(capacity*utilisation*float64(i), math.Exp2(float64(k))))
			if i > 0 {
				t[k][i] = max(t[k][i], t[k][i-1])
			}
		}
	}
	return t
}

// A Row is a table's log odds for one number of replicas.
type Row [numUtilisations]float64

// Row is that of so many replicas.
func (t *Table) Row(replicas int) (r Row) {
	y := min(math.Log2(float64(max(replicas, 1))), numCounts-1)
	k := min(int(y), numCounts-2)
	for i := range r {
		r[i] = t[k][i] + (t[k+1][i]-t[k][i])*(y-float64(k))
	}
	return r
}

// LogOdds of a miss at a utilisation.
func (r *Row) LogOdds(used float64) float64 {
	x := min(max(used, 0)/utilisation, numUtilisations-1)
	if math.IsNaN(x) {
		x = numUtilisations - 1
	}
	i := min(int(x), numUtilisations-2)
	return r[i] + (r[i+1]-r[i])*(x-float64(i))
}

// LogOdds of a miss at a utilisation, of so many replicas.
func (t *Table) LogOdds(used float64, replicas int) float64 {
	r := t.Row(replicas)
	return r.LogOdds(used)
}

// mostOdds is the greatest log odds that are told from certainty, one in 8,000.
const mostOdds = 9

func logOdds(share float64) float64 {
	return min(max(math.Log(share/(1-share)), -mostOdds), mostOdds)
}

// A Curve counts how many requests missed where the model expected which odds, and so
// learns what the odds really are: of this engine, this router and these lengths. The
// zero value has seen nothing and takes the model at its word.
type Curve struct{ Requests, Missed [numBins]float64 }

const (
	numBins = 48
	// priorRequests is how many requests the model's word is worth in each bin.
	priorRequests = 150
)

// bin is where log odds lie among the bins.
func bin(odds float64) float64 { return (odds + mostOdds) / (2 * mostOdds) * (numBins - 1) }

// Learn is the curve with so many requests more, a share of which missed.
func (c Curve) Learn(odds, requests, share float64) Curve {
	if !(requests > 0 && requests < 1e12 && share >= 0 && share <= 1) || math.IsNaN(odds) {
		return c
	}
	i := int(math.Round(min(max(bin(odds), 0), numBins-1)))
	c.Requests[i] += requests
	c.Missed[i] += requests * share
	return c
}

// Fade is the curve with what was seen counting for a share of what it did.
func (c Curve) Fade(share float64) Curve {
	for i := range c.Requests {
		c.Requests[i] *= share
		c.Missed[i] *= share
	}
	return c
}

// modelled are the shares that miss by the model's word, by bins.
var modelled = func() (shares [numBins]float64) {
	for i := range shares {
		shares[i] = 1 / (1 + math.Exp(mostOdds-2*mostOdds*float64(i)/(numBins-1)))
	}
	return shares
}()

// Calibrated are the shares that miss, by bins, rising.
type Calibrated [numBins]float64

// Calibrated is the curve that rises everywhere and is nearest to what the model says and
// to what was seen, by least squares (pool adjacent violators).
//
// Worked example (TestCurve): of 850 requests where the model expects 2.3 % to miss 5 %
// did: (150·0.023 + 850·0.05)/1,000 = 4.6 %. In the next bin, of which nothing was seen,
// the model expects less, 3.3 %: both become (1,000·4.6 % + 150·3.3 %)/1,150 = 4.4 %.
func (c *Curve) Calibrated() Calibrated {
	type block struct {
		requests, share float64
		bins            int
	}
	var blocks [numBins]block
	n := 0
	for i := range numBins {
		requests := c.Requests[i] + priorRequests
		blocks[n] = block{requests, (c.Missed[i] + priorRequests*modelled[i]) / requests, 1}
		for n++; n > 1 && blocks[n-2].share > blocks[n-1].share; n-- {
			a, b := blocks[n-2], blocks[n-1]
			sum := a.requests + b.requests
			blocks[n-2] = block{sum, (a.requests*a.share + b.requests*b.share) / sum, a.bins + b.bins}
		}
	}
	var out Calibrated
	i := 0
	for _, b := range blocks[:n] {
		for range b.bins {
			out[i] = b.share
			i++
		}
	}
	return out
}

// Share is the share that misses where the model says these odds. What the model takes
// for certain is certain.
func (c *Calibrated) Share(odds float64) float64 {
	x := bin(odds)
	switch {
	case !(x < numBins-1):
		return 1
	case x <= 0:
		return c[0]
	}
	i := int(x)
	return c[i] + (c[i+1]-c[i])*(x-float64(i))
}
