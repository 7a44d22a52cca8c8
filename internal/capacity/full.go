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
}

const (
	// fullLife is how much time of full engines counts for half: what they did last is what
	// they do with the requests of now.
	fullLife = 2 * time.Minute
	// forgotten is after how long half of it is forgotten where engines are not full.
	forgotten = time.Hour
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
	return Full{f.Took + other.Took, f.First + other.First, f.Ended + other.Ended, max(f.Sequences, other.Sequences), f.Free + other.Free}
}

// Fade is what is left after some time.
func (f Full) Fade(took time.Duration) Full { return f.left(max(took, 0), forgotten) }

func (f Full) left(took, life time.Duration) Full {
	part := math.Exp2(-took.Seconds() / life.Seconds())
	return Full{time.Duration(float64(f.Took) * part), f.First * part, f.Ended * part, f.Sequences, time.Duration(float64(f.Free) * part)}
}

// Rate is what one engine served at most, in requests per second, and its deviation as a
// share of it; false if too little was seen, or if it is not mostly full engines that let requests wait. Where an engine fills up its requests have begun
// and not ended yet, and where it empties it is the other way round: the greater counts.
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

// Below says whether engines that were full served less than a rate, by more than chance.
func (f Full) Below(perSecond float64) bool {
	rate, deviation, known := f.Rate()
	return known && rate*math.Exp(nine*deviation) < perSecond
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
