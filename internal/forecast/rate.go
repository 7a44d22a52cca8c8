package forecast

import (
	"math"
	"sort"
	"time"
)

// A Count is how many requests have arrived in all, up to a time.
type Count struct {
	At      time.Duration
	Arrived float64
}

// A Rate is how many requests arrive per second, as the counts of the last minutes have
// it. The zero value knows none.
type Rate struct {
	Counts []Count // oldest first
	// Dispersion is the variance of counts over their mean; 1 is Poisson's, 0 not known.
	Dispersion float64
}

// windows are how far back a rate looks: from a jump's first seconds to five minutes.
var windows = [...]time.Duration{
	5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second,
}

const (
	// alike is how many deviations two windows may differ by and be of one rate: among
	// seven windows a chance difference of three is seen once in an hour or so, and a
	// rise by a half at 6/s after 10 s. With 1.5 chance raised the rate by a fifth most
	// of the time, which cost a tenth of the replicas.
	alike = 3
	// leastDispersion bounds what regular arrivals make of it.
	leastDispersion, mostDispersion = 0.3, 10
)

// Add is the rate with so many more arrivals since the last count, up to a time. A time
// that is not later, or a number that cannot be, changes nothing.
func (r Rate) Add(at time.Duration, arrivals float64) Rate {
	if !(arrivals >= 0 && arrivals < 1e12) {
		return r
	}
	total, first := arrivals, 0
	if n := len(r.Counts); n > 0 {
		if at <= r.Counts[n-1].At {
			return r
		}
		total += r.Counts[n-1].Arrived
		first = sort.Search(n, func(i int) bool { return r.Counts[i].At > at-windows[len(windows)-1] })
		first = max(first-1, 0)
	}
	counts := make([]Count, 0, len(r.Counts)-first+1)
	r.Counts = append(append(counts, r.Counts[first:]...), Count{at, total})
	return r.disperse()
}

// disperse learns the dispersion from the shortest window within the longest.
func (r Rate) disperse() Rate {
	if r.Dispersion == 0 {
		r.Dispersion = 1
	}
	shortest := r.shortest()
	short, ok := r.over(shortest)
	long, within := r.Now()
	w := shortest.Seconds()
	expected := long / w * (1 - w/max(within.Seconds(), w))
	if !ok || within < 80*time.Second || !(expected > 0) {
		return r
	}
	seen := min((short-long)*(short-long)/expected, mostDispersion)
	r.Dispersion = min(max(r.Dispersion+(seen-r.Dispersion)*0.01, leastDispersion), mostDispersion)
	return r
}

// shortest is the least window that holds an interval between counts.
func (r *Rate) shortest() time.Duration {
	n := len(r.Counts)
	if n < 2 {
		return 0
	}
	interval := r.Counts[n-1].At - r.Counts[n-2].At
	for _, w := range windows {
		if w >= interval*99/100 {
			return w
		}
	}
	return windows[len(windows)-1]
}

// over is the rate within a window up to the newest count; false if counts do not reach
// back so far.
func (r *Rate) over(window time.Duration) (float64, bool) {
	n := len(r.Counts)
	if n < 2 || window <= 0 {
		return 0, false
	}
	last, from := r.Counts[n-1], r.Counts[n-1].At-window
	if r.Counts[0].At > from {
		return 0, false
	}
	i := sort.Search(n, func(i int) bool { return r.Counts[i].At > from })
	before := r.Counts[i-1]
	arrived := before.Arrived
	if i < n {
		part := float64(from-before.At) / float64(r.Counts[i].At-before.At)
		arrived += (r.Counts[i].Arrived - before.Arrived) * part
	}
	return (last.Arrived - arrived) / window.Seconds(), true
}

// A span is a rate over a window, in seconds.
type span struct{ rate, seconds float64 }

// Now is the rate over the longest window that agrees with all shorter ones, and that
// window; none before two counts are known.
//
// Worked example (TestRate): 6 per second for five minutes, then 9. After five seconds
// the windows have 9, 7.5, 6.75, …, 6.05 and are within three deviations of each other:
// it may be chance, and the rate is 6.05. After ten the one of 10 s has 9 and that of
// 160 s 6.19, 3.1 deviations less: the rate is that of 80 s, 6.4. After 15 s it is that
// of 40 s, 7.1, and after 45 s it is 9.
func (r Rate) Now() (perSecond float64, window time.Duration) {
	var known [len(windows)]span
	n, shortest := 0, r.shortest()
	for _, w := range windows {
		if w < shortest {
			continue
		}
		if n == 0 && len(r.Counts) > 0 {
			w = min(w, r.Counts[len(r.Counts)-1].At-r.Counts[0].At) // of the first counts, what there is
		}
		rate, ok := r.over(w)
		if !ok {
			break
		}
		known[n] = span{rate, w.Seconds()}
		for _, shorter := range known[:n] {
			if !r.agree(shorter, known[n]) {
				return perSecond, window
			}
		}
		n++
		perSecond, window = rate, w
	}
	return perSecond, window
}

// agree says whether a window and a longer one that contains it may have one rate.
func (r *Rate) agree(short, long span) bool {
	mean := max(short.rate, long.rate, 1/short.seconds)
	deviation := math.Sqrt(max(r.Dispersion, leastDispersion) * mean * (1/short.seconds - 1/long.seconds))
	return math.Abs(short.rate-long.rate) <= alike*deviation
}
