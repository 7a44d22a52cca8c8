package workload

import (
	"maps"
	"math"
	"slices"
	"time"
)

// A Description is what a workload is like, of one seed.
type Description struct {
	Name     string  `json:"name"`
	Requests int     `json:"requests"`
	Seconds  float64 `json:"spanSeconds"`
	// Rate is the mean over the span, PeakRate the most in a minute, per second.
	Rate     float64 `json:"ratePerSecond"`
	PeakRate float64 `json:"peakRatePerSecond"`
	// Dispersion is variance over mean of the arrivals in each second, GapCV the
	// standard deviation over the mean of the gaps between arrivals: 1 is Poisson.
	Dispersion float64 `json:"indexOfDispersion"`
	GapCV      float64 `json:"gapCV"`
	Input      Tokens  `json:"inputTokens"`
	Output     Tokens  `json:"outputTokens"`
	// Reusable is the share of prompt tokens that an endless prefix cache would have.
	Reusable float64 `json:"reusablePromptShare"`
	// Drains is how often arrivals wait for all earlier requests to end; the span does
	// not know how long.
	Drains         int     `json:"drains"`
	TimeoutSeconds float64 `json:"timeoutSeconds"`
	// Rates are per second, of equal parts of the span.
	Rates []float64 `json:"ratesPerSecond"`
}

// Tokens are the lengths of one side.
type Tokens struct {
	Mean float64 `json:"mean"`
	P50  int     `json:"p50"`
	P90  int     `json:"p90"`
	P95  int     `json:"p95"`
	P99  int     `json:"p99"`
	Max  int     `json:"max"`
}

// Describe goes through all requests once. The memory it takes grows with the number of
// different lengths and prefixes, not with that of the requests.
func Describe(w Workload, seed uint64, parts int) Description {
	d := Description{
		Name: w.Name, Seconds: w.Span.Seconds(), TimeoutSeconds: w.Timeout.Seconds(),
		Rates: make([]float64, max(1, parts)),
	}
	var gaps moments
	second, minute := bins{width: time.Second}, bins{width: time.Minute}
	input, output := lengthCounts{}, lengthCounts{}
	seen := reuse{known: map[uint64]int{}}
	last := time.Duration(0)
	for r := range w.All(seed) {
		if d.Requests > 0 {
			gaps.add((r.At - last).Seconds())
		}
		last = r.At
		d.Requests++
		if r.Barrier != nil {
			d.Drains++
		}
		second.add(r.At)
		minute.add(r.At)
		input[r.Input]++
		output[r.Output]++
		seen.add(r)
		d.Rates[min(len(d.Rates)-1, int(float64(len(d.Rates))*r.At.Seconds()/max(1e-9, w.Span.Seconds())))]++
	}
	second.finish()
	minute.finish()
	d.Dispersion, d.GapCV = second.counts.dispersion(), gaps.cv()
	if w.Span > 0 {
		d.Rate = float64(d.Requests) / w.Span.Seconds()
		d.PeakRate = minute.most / min(time.Minute, w.Span).Seconds()
		for i := range d.Rates {
			d.Rates[i] *= float64(len(d.Rates)) / w.Span.Seconds()
		}
	}
	d.Input, d.Output = input.tokens(), output.tokens()
	d.Reusable = seen.share()
	return d
}

// moments are mean and variance, kept as Welford does.
type moments struct{ n, mean, squares float64 }

func (m *moments) add(x float64) {
	m.n++
	delta := x - m.mean
	m.mean += delta / m.n
	m.squares += delta * (x - m.mean)
}

func (m *moments) cv() float64 {
	if m.n < 2 || m.mean <= 0 {
		return 0
	}
	return math.Sqrt(m.squares/m.n) / m.mean
}

func (m *moments) dispersion() float64 {
	if m.n < 2 || m.mean <= 0 {
		return 0
	}
	return m.squares / m.n / m.mean
}

// bins count arrivals in stretches of equal width; those without one count as well.
type bins struct {
	width  time.Duration
	number time.Duration // of the bin that is being filled
	count  float64
	counts moments
	most   float64
}

func (b *bins) add(at time.Duration) {
	for number := at / b.width; b.number < number; b.number++ {
		b.finish()
	}
	b.count++
}

func (b *bins) finish() {
	b.counts.add(b.count)
	b.most = max(b.most, b.count)
	b.count = 0
}

type lengthCounts map[int]int

func (c lengthCounts) tokens() Tokens {
	lengths := slices.Sorted(maps.Keys(c))
	if len(lengths) == 0 {
		return Tokens{}
	}
	total, sum := 0, 0.0
	for _, l := range lengths {
		total += c[l]
		sum += float64(l) * float64(c[l])
	}
	quantile := func(q float64) int {
		before := 0
		for _, l := range lengths {
			if before += c[l]; float64(before) >= q*float64(total) {
				return l
			}
		}
		return lengths[len(lengths)-1]
	}
	return Tokens{
		Mean: sum / float64(total), P50: quantile(0.5), P90: quantile(0.9), P95: quantile(0.95), P99: quantile(0.99),
		Max: lengths[len(lengths)-1],
	}
}

// reuse knows how far each prefix was seen.
type reuse struct {
	known        map[uint64]int
	again, total float64 // tokens
}

func (u *reuse) add(r Request) {
	u.total += float64(r.Input)
	from := 0
	for _, s := range r.Prefix {
		until := min(s.Until, r.Input)
		u.again += float64(max(0, min(until, u.known[s.Content])-from))
		u.known[s.Content] = max(u.known[s.Content], until)
		from = until
	}
}

func (u *reuse) share() float64 {
	if u.total == 0 {
		return 0
	}
	return u.again / u.total
}
