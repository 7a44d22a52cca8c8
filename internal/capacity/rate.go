package capacity

import "math"

// Limit says what a replica is short of first.
type Limit int

// The limits.
const (
	NoLimit Limit = iota
	TPOT
	TTFT
	Cache
	numLimits
)

func (l Limit) String() string {
	names := [numLimits]string{"none", "TPOT", "TTFT", "KV cache"}
	if l < 0 || l >= numLimits {
		return "unknown"
	}
	return names[l]
}

// Capacity is the rate at which the mean of a replica's load reaches a limit, and which.
// The cache counts as reached when one deviation more would fill it: beyond, sequences
// are preempted and their prompts computed again. Utilisation is counted in it.
func (r Replica) Capacity() (perSecond float64, limit Limit) {
	r = r.total()
	perSecond = r.most(func(rate float64) bool {
		short := r.short(rate)
		if short != NoLimit {
			limit = short
		}
		return short == NoLimit
	})
	return perSecond, limit
}

// short is the limit that is reached at a rate.
func (r Replica) short(perSecond float64) Limit {
	l, ok := r.at(perSecond, 1)
	n := l.inFlight + l.queue
	switch {
	case l.queue >= 1 || l.first > r.Limits.TTFT.Seconds():
		return TTFT
	case !ok || l.gap > r.Limits.TPOT.Seconds():
		return TPOT
	case n+math.Sqrt(l.variance+l.queue) > r.slots():
		return Cache
	}
	return NoLimit
}

// Within is the rate at which one replica alone serves a share of the requests within the
// objectives; 0 if it cannot.
func (r Replica) Within(share float64) float64 {
	r = r.total()
	return r.most(func(rate float64) bool { return r.missed(rate, 1) <= 1-share })
}

// most is the greatest rate that will do, to 1/4000 of what no replica can exceed.
func (r Replica) most(will func(perSecond float64) bool) float64 {
	c, m := r.Costs, r.Mix
	low, high := 0.0, 1/(c.Prompt*m.Prompt+(m.Output-1)*(c.Sequence+c.Context*m.Context))
	for range 12 {
		if middle := (low + high) / 2; will(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// InFlight is how many sequences one replica has at a rate, at most what it holds.
func (r Replica) InFlight(perSecond float64) float64 {
	r = r.total()
	l, ok := r.at(perSecond, 1)
	if !ok {
		return r.slots()
	}
	return min(l.inFlight+l.queue, r.slots())
}
