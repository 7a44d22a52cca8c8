package wva

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Queueing is the queueing model of the workload variant autoscaler
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/queueing/analyzer,
// engines/analyzers/queueingmodel). Of requests of I tokens in and O out, b at a time:
//
//	tc, tm    (I+O)/(O+1), I + O/2
//	iter(b)   α + b(β·tc + γ·tm)
//	pre(b)    iter(b) + (β+γ)I                 prefill
//	dec(b)    iter(b) + β + γ(I + O/2)         a token
//	μ(b)      b/(pre(b) + O·dec(b)), b ≤ 256   served per second
//
// n in the system are a birth–death chain, at most 256 + 100, with births λ and deaths
// μ(min(n, 256)). With X = λ(1 − p_K), L mean in the system and B mean in service:
//
//	serv, wait   B/X, L/X − B/X
//	ITL          (serv − pre(B))/O
//	TTFT         wait + pre(B) + ITL
//
// λ* is the greatest λ (bisection, 0.001·μ(1) to 0.999·μ(256)) that meets both targets;
// it wants ⌈Λ/λ*⌉. α, β, γ are learned (kalman.go), targets are given or k = 3 times
// the idle latency: k·α + (β+γ)I and k·α + β + γ(I + (O+1)/2). An HPA follows.
//
// Worked example (TestQueueingWorkedExample): α = 5 ms, β = 0.05 ms, γ = 0.00005 ms,
// I = 1000, O = 200: at a trickle TTFT is pre(1) + dec(1) = 60.6 ms and ITL 5.4 ms.
type Queueing struct {
	law.Bounds
	TTFT, ITL  time.Duration // targets; 0: inferred
	Multiplier float64
	Every      time.Duration
}

// QueueingState is what it remembers.
type QueueingState struct {
	Filter Kalman
	Scaled time.Duration // when the fleet last changed
	Fleet  int
}

// The chain.
const (
	chainBatch = 256
	chainLimit = chainBatch + 100
)

// A latency is what the model predicts, in seconds.
type latency struct{ ttft, itl float64 }

// Coefficients are α, β, γ in seconds.
type Coefficients [3]float64

func (c Coefficients) iteration(s law.Shape, b float64) float64 {
	return c[0] + b*(c[1]*(s.Input+s.Output)/(s.Output+1)+c[2]*(s.Input+s.Output/2))
}

func (c Coefficients) prefill(s law.Shape, b float64) float64 {
	return c.iteration(s, b) + (c[1]+c[2])*s.Input
}

// rate is μ(b).
func (c Coefficients) rate(s law.Shape, b float64) float64 {
	decode := c.iteration(s, b) + c[1] + c[2]*(s.Input+s.Output/2)
	return b / (c.prefill(s, b) + s.Output*decode)
}

// A chain is μ(1) to μ(256) of requests of one shape.
type chain struct {
	c     Coefficients
	s     law.Shape
	rates [chainBatch]float64
}

func (c Coefficients) chain(s law.Shape) *chain {
	ch := &chain{c: c, s: s}
	for i := range ch.rates {
		ch.rates[i] = c.rate(s, float64(i+1))
	}
	return ch
}

// at is the latency at λ arrivals per second.
func (ch *chain) at(arrivals float64) latency {
	p, sum, inSystem, inService := 1.0, 1.0, 0.0, 0.0
	for n := 1; n <= chainLimit; n++ {
		served := min(n, chainBatch)
		p *= arrivals / ch.rates[served-1]
		sum += p
		inSystem += p * float64(n)
		inService += p * float64(served)
		if sum > 1e200 { // only the ratios count
			p, sum, inSystem, inService = p/sum, 1, inSystem/sum, inService/sum
		}
	}
	c, s := ch.c, ch.s
	served := arrivals * (1 - p/sum)
	if !(served > 0) || !(s.Output > 0) {
		return latency{math.Inf(1), math.Inf(1)}
	}
	busy := inService / sum
	prefill, service := c.prefill(s, busy), busy/served
	itl := (service - prefill) / s.Output
	return latency{inSystem/sum/served - service + prefill + itl, itl}
}

// most is λ*.
func (c Coefficients) most(s law.Shape, target latency) float64 {
	ch := c.chain(s)
	low, high := 0.001*ch.rates[0], 0.999*ch.rates[chainBatch-1]
	good := func(arrivals float64) bool {
		l := ch.at(arrivals)
		return l.ttft <= target.ttft && l.itl <= target.itl
	}
	if !good(low) {
		return low
	}
	if good(high) {
		return high
	}
	for range 100 {
		if high-low < 1e-6 {
			break
		}
		if middle := (low + high) / 2; good(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// Name is wva-queueing.
func (c Queueing) Name() string { return "wva-queueing" }

// Needs are the arrivals, the shapes and what is learned from.
func (c Queueing) Needs() []reading.Signal {
	return []reading.Signal{
		reading.Arrivals, reading.MeanInput, reading.MeanOutput, reading.HitShare, reading.MeanTTFT, reading.MeanITL, reading.Held,
	}
}

// Step is one round of the engine.
func (c Queueing) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[QueueingState](state)
	out, zero := Config{Bounds: c.Bounds, Every: c.Every}.start(in)
	if n := in.Fleet.Ready; n != s.Fleet {
		s.Fleet, s.Scaled = n, in.Now
	}
	shape := in.Shape()
	arrivals, ok := in.Total(reading.Arrivals)
	if zero {
		return s, out
	}
	if !ok || in.Fleet.Ready <= 0 || shape.Input <= 0 || shape.Output <= 0 {
		return s, out.Held(law.RuleNoData).Clamp(c.Bounds)
	}
	ttft, okTTFT := in.Total(reading.MeanTTFT)
	itl, okITL := in.Total(reading.MeanITL)
	const settle = 2 * time.Minute
	if okTTFT && okITL && arrivals > 0 && (s.Scaled == 0 || in.Now-s.Scaled >= settle) {
		s.Filter = s.Filter.learn(shape, arrivals/float64(in.Fleet.Ready), latency{ttft, itl})
	}
	x := s.Filter.estimate()
	out = out.By(law.RuleArrivals, law.Known(law.TermArrivals, arrivals, law.UnitRequestsPerSecond),
		law.Known(law.TermCapacity, x.most(shape, c.target(x, shape)), law.UnitRequestsPerSecond))
	return s, out.Clamp(c.Bounds)
}

// target is what is given, or k times the idle latency.
func (c Queueing) target(x Coefficients, s law.Shape) latency {
	t := latency{c.TTFT.Seconds(), c.ITL.Seconds()}
	if t.ttft <= 0 {
		t.ttft = c.Multiplier*x[0] + (x[1]+x[2])*s.Input
	}
	if t.itl <= 0 {
		t.itl = c.Multiplier*x[0] + x[1] + x[2]*(s.Input+(s.Output+1)/2)
	}
	return t
}

// QueueingSpec describes it, behind its HPA.
func QueueingSpec() spec.Spec {
	return spec.Spec{
		Name: "wva-queueing", Doc: "workload variant autoscaler: arrivals over what a learned queueing model serves in time",
		Source: "github.com/llm-d-incubation/workload-variant-autoscaler internal/queueing/analyzer",
		Params: spec.Bounded("1", append([]spec.Param{
			{Name: "ttft", Default: "0s", Doc: "target of the mean; 0s: inferred"},
			{Name: "itl", Default: "0s", Doc: "target of the mean; 0s: inferred"},
			{Name: "multiplier", Default: "3", Doc: "of the idle latency, where inferred"},
			{Name: "every", Default: "30s", Doc: "between decisions"},
		}, behavior()...)...),
		Build: func(v *spec.Values) law.Law {
			return hpa.Follow[Queueing, QueueingState](Queueing{
				Bounds: v.Bounds(), TTFT: v.Duration("ttft"), ITL: v.Duration("itl"),
				Multiplier: v.Above("multiplier"), Every: v.Duration("every"),
			}, hpa.Read(v))
		},
	}
}
