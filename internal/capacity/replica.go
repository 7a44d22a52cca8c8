package capacity

import (
	"math"
	"time"
)

// A Mix is what requests are like.
type Mix struct {
	Prompt  float64 // tokens to compute, on average
	Spread  float64 // mean of the square of that over the square of the mean; 1 if all are alike
	Output  float64 // tokens of an answer, on average
	Answers []Share // how many tokens answers have; none: all have Output
	Context float64 // tokens that a sequence holds, on average
}

// A Share of the answers has so many tokens.
type Share struct{ Tokens, Part float64 }

// Limits are what a request must not exceed, and what a replica has.
type Limits struct {
	TTFT, TPOT  time.Duration
	CacheTokens float64 // that the KV cache holds
	BatchTokens float64 // of a step at most
}

// A Replica is an engine that serves a mix within limits.
type Replica struct {
	Costs  Costs
	Mix    Mix
	Limits Limits
}

// total is the replica with numbers that can be computed with.
func (r Replica) total() Replica {
	positive := func(x, least float64) float64 {
		if !(x > least) {
			return least
		}
		return min(x, 1e12)
	}
	c := &r.Costs
	c.Step, c.Prompt = positive(c.Step, 1e-9), positive(c.Prompt, 1e-12)
	c.Sequence, c.Context = positive(c.Sequence, 1e-12), positive(c.Context, 1e-15)
	r.Mix.Prompt, r.Mix.Output = positive(r.Mix.Prompt, 1), positive(r.Mix.Output, 1)
	r.Mix.Context, r.Mix.Spread = positive(r.Mix.Context, 1), positive(r.Mix.Spread, 1)
	r.Limits.CacheTokens, r.Limits.BatchTokens = positive(r.Limits.CacheTokens, 1), positive(r.Limits.BatchTokens, 1)
	return r
}

// A load is how replicas do at a rate.
type load struct {
	gap      float64 // seconds between two tokens, on average
	prefill  float64 // share of the time that goes to prompts
	decoding float64 // seconds between two tokens without those
	perOne   float64 // by how much one sequence more makes that longer
	inFlight float64 // sequences that decode
	variance float64 // of that
	prompts  float64 // mean square of the seconds of prompts that arrive in a second
	queue    float64 // share of the time that the queue of prompts is not empty
	first    float64 // seconds until the first token, without waiting
	wait     float64 // seconds, mean of those that wait
	replicas float64
}

// at is the load of several replicas at so many requests per second each; false beyond
// what they can do at all.
//
// Prompts are computed in between, so a token takes what a decode step takes, stretched
// by the prompts' share of the time, and each sequence makes steps longer: the engine is
// a processor shared by all (M/G/1-PS) behind a fixed delay. With w = Prompt·prompt +
// (output−1)·(Sequence + Context·context), the work of a request, and a = Step +
// Sequence + Context·context, the time of a token of a request alone,
//
//	gap = a/(1 − λw),   in flight = λ·(output−1)·gap,   its variance that over 1 − λw
//
// Worked example (TestAlone): 13.6 ms + 53 µs + 43 ns·4,500 = 13.85 ms for a token of a
// request alone; 4,000·51 µs + 999·246.5 µs = 450 ms of work: at 1.1 requests per second
// a token takes 13.85/(1 − 0.495) = 27.4 ms, and 30.2 are in flight.
func (r Replica) at(perSecond, replicas float64) (load, bool) {
	c, m := r.Costs, r.Mix
	more := m.Output - 1 // tokens after the first
	each := c.Sequence + c.Context*m.Context
	busy := perSecond * (c.Prompt*m.Prompt + more*each)
	l := load{replicas: replicas, prefill: perSecond * c.Prompt * m.Prompt}
	if !(busy < 1) {
		return l, false
	}
	l.gap = (c.Step + each) / (1 - busy)
	l.inFlight = perSecond * more * l.gap
	l.variance = l.inFlight / (1 - busy) / replicas
	l.decoding = l.gap * (1 - l.prefill)
	l.perOne = each / (1 - l.prefill)
	// A router that sends each request where least is in flight spreads arrivals: their
	// variance falls with the replicas, that of their lengths does not.
	spread := (1/replicas + m.Spread - 1) / m.Spread
	prompt := c.Prompt * m.Prompt
	l.prompts = perSecond * prompt * prompt * m.Spread * spread
	// A prompt takes full steps, in each of which the others decode.
	token := c.Prompt + l.decoding/r.Limits.BatchTokens
	l.queue = perSecond * m.Prompt * token
	l.first = m.Prompt*token + l.gap
	if l.queue >= 1 {
		return l, false
	}
	l.wait = m.Prompt * token * m.Spread / (2 * (1 - l.queue))
	return l, true
}

// Missed is the share of requests that miss an objective, of so many replicas at so many
// requests per second each.
func (r Replica) Missed(perSecond float64, replicas int) float64 {
	return r.total().missed(perSecond, float64(max(replicas, 1)))
}

func (r Replica) missed(perSecond, replicas float64) float64 {
	if !(perSecond > 0) {
		perSecond = 0
	}
	l, ok := r.at(perSecond, replicas)
	if !ok || l.gap >= r.Limits.TPOT.Seconds() {
		return 1
	}
	good := 0.0
	if len(r.Mix.Answers) == 0 {
		good = 1 - l.slow(r.Limits.TPOT.Seconds(), r.Mix.Output)
	}
	for _, a := range r.Mix.Answers {
		good += a.Part * (1 - l.slow(r.Limits.TPOT.Seconds(), a.Tokens))
	}
	return min(max(1-good*(1-l.full(r.slots()))*(1-l.late(r.Limits.TTFT.Seconds())), 0), 1)
}

// slots are the sequences that the cache holds.
func (r Replica) slots() float64 { return r.Limits.CacheTokens / r.Mix.Context }

// slow is the share of the answers of so many tokens whose mean time per token is above
// an objective. The prompts that are computed between its tokens take a time whose
// moments are those of a delay busy period, and which is taken for gamma distributed (by
// Wilson and Hilferty's cube root); how many are in flight besides adds to its variance.
func (l load) slow(objective, tokens float64) float64 {
	gaps := tokens - 1
	if !(gaps >= 0.5) {
		return 0 // one token has no time per token
	}
	room := (objective - l.decoding) * gaps // seconds of prompts that it bears
	if room <= 0 {
		return 1
	}
	mean := l.prefill / (1 - l.prefill) * l.decoding * gaps
	left, others := 1-l.prefill, l.perOne*gaps
	variance := l.prompts*l.decoding*gaps/(left*left*left) + others*others*l.variance
	if !(mean > 0 && variance > 0) {
		return 0
	}
	shape := mean * mean / variance
	return above((math.Cbrt(room/mean) - 1 + 1/(9*shape)) * 3 * math.Sqrt(shape))
}

// full is the share of requests that find the cache full.
func (l load) full(slots float64) float64 {
	n := l.inFlight + l.queue
	return waits((slots - n) / math.Sqrt(max(l.variance+l.queue/l.replicas, 1e-12)))
}

// late is the share of requests whose first token comes after an objective: the wait for
// the prompts before it is taken for exponential.
func (l load) late(objective float64) float64 {
	left := objective - l.first
	if left < 0 {
		return 1
	}
	share := l.queue
	if l.replicas > 1 {
		share = waits((1 - l.queue) * math.Sqrt(l.replicas/max(l.queue, 1e-12)))
	}
	return share * math.Exp(-left*l.replicas/max(l.wait, 1e-12))
}

// waits is the share of those who wait for one of many servers when so many deviations
// more are free than taken (Halfin and Whitt 1981).
func waits(deviations float64) float64 {
	if deviations <= 0 {
		return 1
	}
	if deviations > 30 {
		return 0
	}
	density := math.Exp(-deviations*deviations/2) / math.Sqrt(2*math.Pi)
	return density / (density + deviations*above(-deviations))
}

// above is the share of a normal distribution that lies so many deviations above its mean.
func above(deviations float64) float64 { return math.Erfc(deviations/math.Sqrt2) / 2 }
