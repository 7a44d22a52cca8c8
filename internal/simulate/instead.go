package simulate

import (
	"cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// Instead is the policy of a law by name in place of a recorded one. Where that is
// Flyball's own law, its bounds are those of a law that says no others, and what it promises
// and knows of the engine is what Flyball's own law does that says no other.
func Instead(law string) func(decide.Policy) (decide.Policy, error) {
	return func(recorded decide.Policy) (decide.Policy, error) {
		text := law
		own, ok := recorded.Law.(promise.Law)
		if ok {
			text = scenario.Bounded(text, own.Min, own.Max)
		}
		p, err := scenario.Setup{Series: vllm.Signals()}.Named(text)
		if err != nil {
			return p, err
		}
		if l, too := p.Law.(promise.Law); ok && too {
			p.Law = like(l, own)
		}
		p.Bounds, p.Phase = recorded.Bounds, recorded.Phase
		return p, nil
	}
}

// like fills in what a law leaves open.
func like(l, own promise.Law) promise.Law {
	l.Promise, l.TTFT, l.TPOT = cmp.Or(l.Promise, own.Promise), cmp.Or(l.TTFT, own.TTFT), cmp.Or(l.TPOT, own.TPOT)
	if l.Prior == (capacity.Prior{}) {
		l.Prior = own.Prior
	}
	l.CacheTokens, l.BatchTokens = own.CacheTokens, own.BatchTokens
	return l
}
