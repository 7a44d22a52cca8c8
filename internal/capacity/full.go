package capacity

import (
	"math"
	"time"
)

// Full is what engines did while they ran as many requests as they ever do and others waited,
// although the KV cache had room: all that they can. No metric tells --max-num-seqs, and costs
// that were learned of few sequences may be far off at many.
type Full struct {
	Took         time.Duration // of all engines together
	First, Ended float64       // requests that got their first token, and that ended
	Sequences    float64       // that one of them ran
	// Free is for how long engines have let requests wait and run fewer than they sometimes do: those are
	// held back by something else, as a long prompt.
	Free time.Duration
	Age  time.Duration // since an engine was full last
}

const (
	// fullLife is how much time of full engines counts for half: what they did last is what
	// they do with the requests of now.
	fullLife = 2 * time.Minute
	// forgotten is after how long half of it is forgotten where engines are not full: where hundreds of
	// requests have waited within a week, where ten have at once.
	forgotten = 24 * time.Hour
	// current is for how long what was counted is what requests are like now.
	current = 10 * time.Minute
	// mostly is how many times longer engines must be full than let requests wait without being so.
	mostly = 3
	// leastFull is how many requests must have been served for their rate to say anything.
	leastFull = 10
)

// Add is with what another did, or the same in another interval.
func (f Full) Add(other Full) Full {
	for _, x := range [...]float64{other.First, other.Ended, other.Sequences} {
		if !(x >= 0 && x < 1e12) {
			return f
		}
	}
	if min(other.Took, other.Free) < 0 {
		return f
	}
	f = f.left(other.Took+other.Free, fullLife)
	f.Took, f.First, f.Ended, f.Free = f.Took+other.Took, f.First+other.First, f.Ended+other.Ended, f.Free+other.Free
	f.Sequences = max(f.Sequences, other.Sequences)
	if other.Took > 0 {
		f.Age = 0
	}
	return f
}

// Up is after an engine was seen to run so many requests: if that is more than full ones did, none was
// full, and something else had requests wait.
func (f Full) Up(sequences float64) Full {
	if f.Sequences > 0 && sequences > f.Sequences {
		return Full{Free: f.Free + f.Took, Age: f.Age}
	}
	return f
}

// Fade is what is left after some time.
func (f Full) Fade(took time.Duration) Full {
	took = min(max(took, 0), forgotten)
	f = f.left(took, forgotten)
	if f.Took+f.Free > 0 {
		f.Age = min(f.Age+took, 1000*forgotten)
	}
	return f
}

func (f Full) left(took, life time.Duration) Full {
	part := math.Exp2(-took.Seconds() / life.Seconds())
	f.Took, f.Free = time.Duration(float64(f.Took)*part), time.Duration(float64(f.Free)*part)
	f.First, f.Ended = f.First*part, f.Ended*part
	return f
}

// Rate is what one engine served at most, in requests per second, and its deviation as a
// share of it; false if too little was seen, or if it is not mostly full engines that let
// requests wait. Where an engine fills up its requests have begun and not ended yet, and where
// it empties it is the other way round: the greater counts.
//
// Worked example (TestFull): 90 requests in 20 s of full engines are 4.5/s, give or take a
// tenth: 12/s, which costs may say, it is not.
func (f Full) Rate() (perSecond, deviation float64, known bool) {
	n := max(f.First, f.Ended)
	if !(n >= leastFull && f.Took > 0 && f.Took >= mostly*f.Free) {
		return 0, 0, false
	}
	return n / f.Took.Seconds(), math.Hypot(1/math.Sqrt(n), formula), true
}

// Below says whether engines that were full lately served less than a rate, by more than chance.
func (f Full) Below(perSecond float64) bool {
	rate, deviation, known := f.Rate()
	return known && f.Age < current && surelyLess(rate, deviation, perSecond)
}

// surelyLess says whether a rate with a deviation, as a share of it, is less than another by more than chance.
func surelyLess(rate, deviation, other float64) bool { return rate*math.Exp(nine*deviation) < other }

// crowded is what an engine does at most that runs no more requests than full ones did, and the deviation of
// that; false if it is not known, or no less than a rate by more than chance. What was counted long ago was
// of other requests; by Little's law n at a time, with the work w and the token's time a as in Replica.at, are
//
//	n / ((output−1)·a(n) + n·Prompt·prompt),   a(n) = Step + n·(Sequence + Context·context)
//
// Worked example (TestCrowded): 16 at a time, 200 tokens each in steps of 20 ms and 0.8 ms for each that runs:
// 16/(199·32.8 ms) = 2.45/s.
func (r Replica) crowded(f Full, perSecond float64) (most, deviation float64, less bool) {
	most, deviation, known := f.Rate()
	if f.Age >= current {
		r = r.total()
		c, n := r.Costs, max(f.Sequences, 1)
		most = n / ((r.Mix.Output-1)*(c.Step+n*(c.Sequence+c.Context*r.Mix.Context)) + n*c.Prompt*r.Mix.Prompt)
	}
	return most, deviation, known && surelyLess(most, deviation, perSecond)
}

// queueing is the rate at which a share of the requests gets its first token within TTFT, of an
// engine that does no more than most per second and has the others wait. The tail of a wait is
// exponential (Kingman 1962): with arrivals by chance, and v the squared coefficient of
// variation of the answers' lengths,
//
//	P(wait > t) ≈ exp(−2·(most − rate)·t / (1 + v))
//
// Worked example (TestQueueing): 3.2/s at most, answers of one length, 1.95 s left of TTFT: for
// 95 % the rate must be ln(20)/(2·1.95 s) = 0.77/s less, 2.43/s.
func (r Replica) queueing(most, share float64) float64 {
	r = r.total()
	left := r.Limits.TTFT.Seconds()
	if l, ok := r.at(0, 1); ok {
		left -= l.first
	}
	if !(left > 0) {
		return most / 2
	}
	less := (1 + r.Mix.variation()) / (2 * left) * -math.Log(min(max(1-share, 1e-6), 1))
	return max(most-less, most/2)
}

// variation is the squared coefficient of variation of the lengths of answers.
func (m Mix) variation() float64 {
	parts, mean, square := 0.0, 0.0, 0.0
	for _, a := range m.Answers {
		parts, mean, square = parts+a.Part, mean+a.Part*a.Tokens, square+a.Part*a.Tokens*a.Tokens
	}
	if !(parts > 0 && mean > 0) {
		return 0
	}
	return max(square*parts/(mean*mean)-1, 0)
}
