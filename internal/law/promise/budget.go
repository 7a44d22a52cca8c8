package promise

import (
	"math"
	"time"
)

// Budget is what the promise leaves to miss.
//
// Every request allows a share of itself to miss; one that misses takes a whole one. The
// balance says how the promise stands, and turns what may be expected to miss up or down:
//
//	allowed now = allowed · gain · (1 + (balance − reserve) / (allowed · rate · 2 h))   balance > 0
//	            = allowed · gain · (1 + balance / (allowed · rate · ½ h))               balance < 0
//
// A surplus is spent slowly, and only what a jump that is to be expected would not take;
// what is owed is paid back within half an hour. A surplus is worth half after an hour and
// a debt is forgiven beyond an hour's: a promise for each day is not kept by yesterday's
// requests, and one that was broken yesterday is not mended by replicas today.
//
// The gain rises while less is expected to miss than is allowed, and falls while more is,
// within some hours: replicas come in whole numbers, so that the least that keeps the
// promise misses less than allowed, by a third on average. What has missed says too little
// here: before the first jump it is nothing.
//
// Worked example (TestBudget): 10 requests per second and 5 % allowed, 0.5 per second.
// 600 may miss still, 240 of them for the next jump: 1 + 360/3,600 = 1.1. 180 too many have
// missed: 1 − 180/900 = 0.8.
type Budget struct {
	Balance   float64 // requests that may still miss; below 0: that missed too many
	Gain      float64 // a logarithm
	PerSecond float64 // mean rate over an hour
	Reserve   float64 // requests that the next jump would take
	// Requests and Missed are what was counted within a day, fading, and Seconds for how long.
	Requests, Missed, Seconds float64
	Last                      float64 // rate at the last step
}

const (
	spent   = 2 * time.Hour    // in which a surplus is spent
	paid    = 30 * time.Minute // in which a debt is paid back
	surplus = time.Hour        // after which a surplus is worth half
	debt    = time.Hour        // of allowed misses is the most that is owed
	learned = 6 * time.Hour    // in which the gain follows
	// The factors stay within these: below a third of what is allowed replicas hardly
	// help any more, and beyond two and a half times the mean no longer means much.
	leastFactor, mostFactor = 0.3, 1.3
	leastGain, mostGain     = 0.5, 2.5
)

// count adds what was seen.
func (b Budget) count(allowed float64, look seen) Budget {
	if look.took <= 0 {
		return b
	}
	halves := func(after time.Duration) float64 { return math.Exp2(-look.took.Seconds() / after.Seconds()) }
	rate := look.First / look.took.Seconds()
	if b.PerSecond == 0 {
		b.PerSecond = rate
	}
	b.PerSecond += (rate - b.PerSecond) * (1 - halves(debt))
	if b.Balance > 0 {
		b.Balance *= halves(surplus)
	}
	missed := look.missed()
	b.Balance = max(b.Balance+allowed*look.First-missed, -allowed*b.PerSecond*debt.Seconds())
	kept := halves(day)
	b.Requests, b.Missed, b.Seconds = b.Requests*kept+look.First, b.Missed*kept+missed, b.Seconds*kept+look.took.Seconds()
	return b
}

// mean is how many requests per second the promise is judged by: those of a day, or of now
// if that is more. It is that of the last step, so that what has just come asks for no
// fewer.
func (b Budget) mean() float64 { return max(b.Requests/max(b.Seconds, 1), b.Last, 1e-9) }

// expect lets the gain follow the share that is expected to miss.
func (b Budget) expect(allowed, share float64, took time.Duration) Budget {
	b.Gain += took.Seconds() / learned.Seconds() * (1 - min(share/allowed, 4))
	b.Gain = min(max(b.Gain, math.Log(leastGain)), math.Log(mostGain))
	return b
}

// factor is what the allowed share is multiplied by.
func (b Budget) factor(allowed float64) float64 {
	perSecond := max(allowed*b.PerSecond, 1e-9)
	f := 1 + max(b.Balance-b.Reserve, 0)/(perSecond*spent.Seconds())
	if b.Balance < 0 {
		f = 1 + b.Balance/(perSecond*paid.Seconds())
	}
	return min(max(f, leastFactor), mostFactor) * math.Exp(b.Gain)
}
