package capacity

import (
	"math"
	"time"
)

// An Engine is what is known of a service's engines, to be asked for their capacity.
type Engine struct {
	Fit    Fit
	Prior  Prior
	Mix    Mix
	Limits Limits
	Full   Full
}

// An Estimate is a capacity as it was learned.
type Estimate struct {
	Replica   Replica // with the costs that are most likely
	PerSecond float64 // that one replica serves within the objectives, for a share of the requests
	Low, High float64 // between which it lies, nine times in ten
	Capacity  float64 // at which the mean of its load reaches Limit, or what full engines served, if that is less
	Limit     Limit
	// Full is what full engines served per second, where it contradicts the costs; else 0.
	Full  float64
	Doubt Doubt
}

// A Doubt says why a capacity cannot be told from what was seen.
type Doubt int

// The reasons.
const (
	Identified   Doubt = iota
	NoRequests         // none has been seen: it is not known what they are like
	OnlyBelieved       // it is the prior's: no pod has generated enough yet
	TooWide            // what was seen leaves more than a factor of four open
	numDoubts
)

func (d Doubt) String() string {
	names := [numDoubts]string{
		"identified", "no request has been seen", "no pod has generated enough tokens yet",
		"what was seen leaves more than a factor of four open",
	}
	if d < 0 || d >= numDoubts {
		return "unknown"
	}
	return names[d]
}

const (
	// formula is the deviation of what a Replica makes of true costs: against the plant,
	// over 35 engines and shapes and three pairs of objectives, half of all were within
	// 4 %, nine tenths within 12 %. It is one of times, too.
	formula = 0.05
	// nine is how many deviations hold nine tenths of a normal distribution.
	nine = 1.645
)

// tolerance is the deviation of a capacity by the formula's own: the less an objective leaves
// beyond what a token takes on an idle replica, the more a time that is off makes of it.
//
// Worked example (TestTolerance): where a token alone takes a quarter of its objective, 5.3 %;
// nine tenths of it, 50 %.
func (r Replica) tolerance() float64 {
	with := func(share float64) float64 {
		r.Limits.TTFT = time.Duration(float64(r.Limits.TTFT) * share)
		r.Limits.TPOT = time.Duration(float64(r.Limits.TPOT) * share)
		perSecond, _ := r.Capacity()
		return perSecond
	}
	tight := with(1 - formula)
	loose := with((1 + formula) / (1 - formula))
	if !(tight > 0) {
		return 3
	}
	return min(math.Hypot(formula, math.Log(loose/tight)/2), 3)
}

// Estimate is the capacity at which a share of the requests meets the objectives.
func (e Engine) Estimate(share float64) Estimate {
	r := Replica{Mix: e.Mix, Limits: e.Limits}
	costs := e.Fit.Estimate(e.Prior)
	r.Costs = costs.Costs
	out := Estimate{Replica: r}
	if !(e.Mix.Prompt >= 1 && e.Mix.Output >= 1) {
		out.High, out.Doubt = math.MaxFloat64, NoRequests
		return out
	}
	out.PerSecond = r.Within(share)
	out.Capacity, out.Limit = r.Capacity()
	// What it depends on smoothly is the capacity; the share has the same deviation.
	deviation := costs.deviation(func(c Costs) float64 {
		perSecond, _ := Replica{c, e.Mix, e.Limits}.Capacity()
		return perSecond
	})
	deviation = math.Hypot(min(deviation, 3), r.tolerance())
	if most, by, less := r.crowded(e.Full, out.PerSecond); less {
		within := r.queueing(most, share)
		out.Capacity = min(out.Capacity*within/out.PerSecond, most)
		out.PerSecond, out.Full, deviation = within, most, math.Hypot(by, (most-within)/(2*most)) // half of what queueing leaves may be too much
	}
	out.Low, out.High = out.PerSecond*math.Exp(-nine*deviation), out.PerSecond*math.Exp(nine*deviation)
	switch {
	case out.High > 4*out.Low:
		out.Doubt = TooWide
	case costs.Rows < 1:
		out.Doubt = OnlyBelieved
	}
	return out
}
