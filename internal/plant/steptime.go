package plant

import (
	"fmt"
	"math"
	"time"
)

// StepCost holds the coefficients of a step's duration. With p prefill tokens,
// b decoding sequences, KV tokens of context that those read, prefill chunks p_i
// that attend to ctx_i tokens before them, and n sequences in all:
//
//	decode = α_d + δ_d·(b+p) + γ_d·KV
//	mixed  = α_m + β·p + δ_m·b + γ_m·KV + q·Σ p_i·(ctx_i + p_i/2)
//	step   = decode              without prefill
//	       = max(decode, mixed)  with prefill
//	       + host·n
//	       + 0.6 ms + 16 µs·n  without asynchronous scheduling
//
// α is reading the weights, δ and β work per token, γ reading the KV cache, q
// attention within the prompt, host what the GPU waits for the scheduler's and sampler's
// own time for a sequence although a step is chosen ahead. Where none is, it waits for all
// of it: 28 µs per sequence, with which a vLLM 0.11 at its knee comes out (TestKnee).
//
// Worked (TestStepDuration): Qwen3-14B on one H100, 1024 prompt tokens alone:
// decode 11.16 + 0.01498·1024 = 26.5 ms, mixed 4.742 + 0.03842·1024 +
// 0.7737e-6·1024·512 = 44.5 ms, so the step takes 44.50 ms.
type StepCost struct {
	AlphaDMillis, DeltaDMicros, GammaDNanos float64
	AlphaMMillis, BetaMicros                float64
	DeltaMMicros, GammaMNanos, QNanos       float64
	HostMicros                              float64
}

// Times are the costs of an engine whose steps take so many times as long.
func (c StepCost) Times(by float64) StepCost {
	return StepCost{
		c.AlphaDMillis * by, c.DeltaDMicros * by, c.GammaDNanos * by, c.AlphaMMillis * by, c.BetaMicros * by,
		c.DeltaMMicros * by, c.GammaMNanos * by, c.QNanos * by, c.HostMicros * by,
	}
}

// A Batch is what one step works on.
type Batch struct {
	Sequences      int // n
	PrefillTokens  int // p
	Decodes        int // b
	DecodeContext  int // KV
	AttentionPairs int // Σ p_i·(2·ctx_i + p_i), twice what q counts
}

// Duration is how long a step over the batch takes.
func (c Config) Duration(b Batch) time.Duration {
	return time.Duration(c.cost().step(b) / picosPerNano)
}

// What a step takes longer that is chosen when the one before has ended, and for each of
// its sequences.
const (
	syncStep     = 600 * 1000 * 1000 * picos(1)
	syncSequence = 16 * 1000 * 1000 * picos(1)
)

// cost is that of the engine's steps.
func (c Config) cost() exactCost {
	e := c.Cost.exact()
	if !c.AsyncScheduling {
		e.alphaD += syncStep // whichever of the two a step takes
		e.alphaM += syncStep
		e.host += syncSequence
	}
	return e
}

// picos is a time in picoseconds, in which the coefficients are whole numbers: the
// sum of many steps is then the same however it is added up. It holds 106 days.
type picos int64

const picosPerNano = 1000

// maxStep bounds the step of a valid engine, so that jumpSteps of them fit into picos.
const maxStep = picos(600e12)

// exactCost is a StepCost in picoseconds per unit.
type exactCost struct {
	alphaD, deltaD, gammaD picos
	alphaM, beta           picos
	deltaM, gammaM         picos
	halfQ                  float64
	host                   picos
}

func (c StepCost) exact() exactCost {
	milli := func(f float64) picos { return picos(math.Round(f * 1e9)) }
	micro := func(f float64) picos { return picos(math.Round(f * 1e6)) }
	nano := func(f float64) picos { return picos(math.Round(f * 1e3)) }
	return exactCost{
		alphaD: milli(c.AlphaDMillis), deltaD: micro(c.DeltaDMicros), gammaD: nano(c.GammaDNanos),
		alphaM: milli(c.AlphaMMillis), beta: micro(c.BetaMicros),
		deltaM: micro(c.DeltaMMicros), gammaM: nano(c.GammaMNanos), halfQ: c.QNanos * 1e3 / 2,
		host: micro(c.HostMicros),
	}
}

func (c exactCost) step(b Batch) picos {
	prefill, decodes, context := picos(b.PrefillTokens), picos(b.Decodes), picos(b.DecodeContext)
	took := c.alphaD + c.deltaD*(decodes+prefill) + c.gammaD*context
	if b.PrefillTokens > 0 {
		took = max(took, c.alphaM+c.beta*prefill+c.deltaM*decodes+c.gammaM*context+picos(c.halfQ*float64(b.AttentionPairs)))
	}
	return max(took+c.host*picos(b.Sequences), picosPerNano)
}

// validate refuses coefficients that are no times, and a step so long that it can
// only be a mistake in units.
func (c StepCost) validate(largest Batch) error {
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"alphaDMillis", c.AlphaDMillis},
		{"deltaDMicros", c.DeltaDMicros},
		{"gammaDNanos", c.GammaDNanos},
		{"alphaMMillis", c.AlphaMMillis},
		{"betaMicros", c.BetaMicros},
		{"deltaMMicros", c.DeltaMMicros},
		{"gammaMNanos", c.GammaMNanos},
		{"qNanos", c.QNanos},
		{"hostMicros", c.HostMicros},
	} {
		if !(f.value >= 0 && f.value <= 1e6) {
			return fmt.Errorf("%s is %v, must be from 0 to 1e6", f.name, f.value)
		}
	}
	sum := c.AlphaDMillis + c.AlphaMMillis + (c.DeltaDMicros+c.BetaMicros)*float64(largest.PrefillTokens)/1e3 +
		(c.DeltaDMicros+c.DeltaMMicros+c.HostMicros)*float64(largest.Sequences)/1e3 +
		(c.GammaDNanos+c.GammaMNanos)*float64(largest.DecodeContext)/1e6 + c.QNanos*float64(largest.AttentionPairs)/2e6
	if sum > float64(maxStep)/1e9 {
		return fmt.Errorf("the largest step takes %.0f s, more than %.0f: look at the units of the coefficients",
			sum/1e3, float64(maxStep)/1e12)
	}
	return nil
}

// An instant is a time on the engine's clock, exact to the picosecond.
type instant struct {
	nanos time.Duration
	picos picos // 0 to 999
}

func (t instant) add(d picos) instant {
	d += t.picos
	return instant{t.nanos + time.Duration(d/picosPerNano), d % picosPerNano}
}

// later is t, or the whole nanosecond at if that is later.
func later(t instant, at time.Duration) instant {
	if at > t.nanos {
		return instant{nanos: at}
	}
	return t
}
