package plant

import "time"

// FrontEndOverhead is what an API server adds to the time to the first token:
// HTTP, tokenizer and the way into the engine's process. A bare vLLM server was
// measured at 10–12 ms.
const FrontEndOverhead = 11 * time.Millisecond

// hostPerSequence is the scheduler's and sampler's own time per sequence of a
// step, which the GPU waits for.
const hostPerSequence = 12 * time.Microsecond

// StepCost holds the coefficients of a step's duration. With p prefill tokens,
// b decoding sequences, KV tokens of context that those read, and prefill chunks
// p_i that attend to ctx_i tokens before them:
//
//	decode = α_d + δ_d·(b+p) + γ_d·KV
//	mixed  = α_m + β·p + δ_m·b + γ_m·KV + q·Σ p_i·(ctx_i + p_i/2)
//	step   = decode              without prefill
//	       = max(decode, mixed)  with prefill
//	       + 12 µs for each sequence
//
// α is reading the weights, δ and β work per token, γ reading the KV cache, q
// attention within the prompt.
//
// Worked (TestStepDuration): Qwen3-14B on one H100, 1024 prompt tokens alone:
// decode 11.16 + 0.01498·1024 = 26.5 ms, mixed 4.742 + 0.03842·1024 +
// 0.7737e-6·1024·512 = 44.5 ms, so the step takes 44.50 ms.
type StepCost struct {
	AlphaDMillis, DeltaDMicros, GammaDNanos float64
	AlphaMMillis, BetaMicros                float64
	DeltaMMicros, GammaMNanos, QNanos       float64
}

// A Batch is what one step works on.
type Batch struct {
	Sequences     int
	PrefillTokens int     // p
	Decodes       int     // b
	DecodeContext int     // KV
	Attention     float64 // Σ p_i·(ctx_i + p_i/2)
}

// Duration is how long a step over the batch takes.
func (c StepCost) Duration(b Batch) time.Duration {
	prefill, decodes, context := float64(b.PrefillTokens), float64(b.Decodes), float64(b.DecodeContext)
	millis := c.AlphaDMillis + c.DeltaDMicros*(decodes+prefill)/1e3 + c.GammaDNanos*context/1e6
	if b.PrefillTokens > 0 {
		millis = max(millis, c.AlphaMMillis+c.BetaMicros*prefill/1e3+c.DeltaMMicros*decodes/1e3+
			c.GammaMNanos*context/1e6+c.QNanos*b.Attention/1e6)
	}
	return time.Duration(millis*float64(time.Millisecond)) + time.Duration(b.Sequences)*hostPerSequence
}
