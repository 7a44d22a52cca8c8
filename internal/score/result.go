package score

import (
	"math"
	"slices"
	"strings"
	"time"
)

// A Result is the judgement of one run.
type Result struct {
	Requests, Aborted int
	// Attainment is the share of requests that meet all objectives.
	Attainment float64
	// AttainmentPublished is 1 − Σ misses of each objective ÷ requests, as llm-d's
	// SLO-aware benchmark counts: a request that misses two objectives is subtracted
	// twice, so it is at most Attainment, and may be below 0.
	AttainmentPublished float64
	Objectives          []Served // in the order of the terms
	Aborts              []Abort  // what they were aborted by, by name
	// Cached is the share of the prompts' tokens that were in a prefix cache, of requests
	// that were not aborted: the time to a first token depends on it.
	Cached float64

	Latency [numMetrics]Quantiles // of requests that were not aborted

	AverageReplicas float64 // pending, starting and ready ones, over time
	AverageReady    float64
	GPUHours        float64
	Cost            float64
	PeakWaiting     int

	ScaleEvents int // changes of the wanted replicas
	// Thrash counts how often fewer were asked for and more within a cold start after.
	Thrash int
	// Reaction is the median time from the first miss after a minute without one to
	// the next raise of the wanted replicas; 0 if there was no such raise.
	Reaction time.Duration
	// WorstFiveMinutes is the least attainment of arrivals within five minutes, of
	// those windows with at least 20 requests; the whole run's if there is none.
	WorstFiveMinutes float64
	Duration         time.Duration
}

// Completed is how many requests were answered in full.
func (r Result) Completed() int { return r.Requests - r.Aborted }

// Served says how far a run kept one objective. A request may meet it and miss another, so
// that Share is at least the attainment.
type Served struct {
	Objective
	Share float64 // of the requests that meet it; one that was aborted does not
	// AtQuantile is the objective's quantile of all requests' latencies: Endless where so
	// many were aborted that it is one of theirs.
	AtQuantile time.Duration
}

// Met says whether the quantile is within the target.
func (s Served) Met() bool { return s.AtQuantile <= s.Target }

// Endless is the latency of a request that was aborted.
const Endless = time.Duration(math.MaxInt64)

// An Abort counts the requests that one cause aborted.
type Abort struct {
	Why      string
	Requests int
}

// Quantiles of a latency.
type Quantiles struct{ Mean, P50, P90, P99, Max time.Duration }

// Result judges the run, which ends at end.
func (r *Recorder) Result(end time.Duration) Result {
	r.advance(end)
	seconds := r.at.Seconds()
	perSecond := func(area float64) float64 {
		if seconds == 0 {
			return 0
		}
		return area / seconds
	}
	res := Result{
		Requests: r.requests, Aborted: r.aborted, Aborts: slices.Clone(r.aborts),
		AverageReplicas: perSecond(r.area.provisioned), AverageReady: perSecond(r.area.ready),
		GPUHours:    r.area.holding / 3600 * float64(r.terms.GPUsPerReplica),
		PeakWaiting: r.most, ScaleEvents: len(r.changes), Thrash: thrash(r.changes, r.terms.ColdStart),
		Reaction: reaction(r.missed, r.changes), Duration: r.at,
	}
	res.Cost = res.GPUHours * r.terms.PricePerHour
	res.Attainment, res.AttainmentPublished = r.attained()
	if r.input > 0 {
		res.Cached = float64(r.cached) / float64(r.input)
	}
	slices.SortFunc(res.Aborts, func(a, b Abort) int { return strings.Compare(a.Why, b.Why) })
	res.WorstFiveMinutes = worst(r.bins, res.Attainment)
	for m := range numMetrics {
		slices.Sort(r.latencies[m])
		res.Latency[m] = quantiles(r.latencies[m])
	}
	for i, o := range r.terms.Objectives {
		res.Objectives = append(res.Objectives, r.served(i, o))
	}
	return res
}

// served needs sorted latencies.
func (r *Recorder) served(i int, o Objective) Served {
	s := Served{Objective: o, AtQuantile: Endless}
	if r.requests > 0 {
		s.Share = 1 - float64(r.misses[i])/float64(r.requests)
	}
	if at, sorted := rank(o.Quantile, r.requests), r.latencies[o.Metric]; at < len(sorted) {
		s.AtQuantile = sorted[at]
	}
	return s
}

// attained is the share of good requests, and the published one; 0 of none.
func (r *Recorder) attained() (attainment, published float64) {
	if r.requests == 0 {
		return 0, 0
	}
	all := float64(r.requests)
	published = 1
	for _, m := range r.misses {
		published -= float64(m) / all
	}
	return float64(r.good) / all, published
}

func quantiles(sorted []time.Duration) Quantiles {
	n := len(sorted)
	if n == 0 {
		return Quantiles{}
	}
	sum := 0.0
	for _, d := range sorted {
		sum += float64(d)
	}
	return Quantiles{
		Mean: time.Duration(sum / float64(n)), P50: sorted[rank(.5, n)], P90: sorted[rank(.9, n)],
		P99: sorted[rank(.99, n)], Max: sorted[n-1],
	}
}

// rank is the index of a quantile among n sorted values, by the nearest rank.
func rank(q float64, n int) int {
	return min(max(int(math.Ceil(q*float64(n)))-1, 0), max(n-1, 0))
}

// worst slides over the arrivals.
func worst(bins []share, otherwise float64) float64 {
	least := 2.0
	var now share
	width := int(worstSpan / bin)
	for i, b := range bins {
		now.good, now.all = now.good+b.good, now.all+b.all
		if i >= width {
			now.good, now.all = now.good-bins[i-width].good, now.all-bins[i-width].all
		}
		if i >= width-1 && now.all >= worstLeast {
			least = min(least, float64(now.good)/float64(now.all))
		}
	}
	if least > 1 {
		return otherwise
	}
	return least
}

func thrash(changes []change, coldStart time.Duration) int {
	n := 0
	for i, c := range changes {
		if i > 0 && c.by > 0 && changes[i-1].by < 0 && c.at-changes[i-1].at <= coldStart {
			n++
		}
	}
	return n
}

func reaction(missed []time.Duration, changes []change) time.Duration {
	missed = slices.Clone(missed)
	slices.Sort(missed)
	var took []time.Duration
	for i, at := range missed {
		if i > 0 && at-missed[i-1] < calm {
			continue
		}
		raise := slices.IndexFunc(changes, func(c change) bool { return c.at >= at && c.by > 0 })
		if raise >= 0 {
			took = append(took, changes[raise].at-at)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[rank(.5, len(took))]
}
