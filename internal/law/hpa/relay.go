package hpa

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Relay hands the number of a law to an HPA as an external metric with an
// AverageValue target of 1: the way in which controllers that only publish a number
// act. The HPA's tolerance, limits and windows are then part of the law. L is the law
// that publishes, S its state.
type Relay[L law.Law, S any] struct {
	Law L
	HPA Law
}

// RelayState is that of both.
type RelayState[S any] struct {
	Started  bool
	Law      S
	NextStep time.Duration
	HPA      State
	NextSync time.Duration
	Number   reading.Reading // as last published
	Because  []law.Term      // of the last rule that made it
}

// Follow lets an HPA of the given behavior and bounds follow a law.
func Follow[L law.Law, S any](l L, c Law) Relay[L, S] {
	c.Metrics = []Metric{{Kind: External, Target: AverageValue, Goal: 1}}
	return Relay[L, S]{l, c}
}

// Name is that of the law that publishes.
func (r Relay[L, S]) Name() string { return r.Law.Name() }

// Needs is what the law needs.
func (r Relay[L, S]) Needs() []reading.Signal { return r.Law.Needs() }

// Step steps whichever of the two is due, the law first.
func (r Relay[L, S]) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[RelayState[S]](state)
	if !s.Started {
		s.Started, s.NextStep, s.NextSync = true, in.Now, max(in.Now, r.HPA.FirstSync(in))
	}
	if in.Now >= s.NextStep {
		next, out := r.Law.Step(s.Law, in)
		s.Law, s.NextStep = law.Resume[S](next), out.Next
		s.Number, s.Because = reading.New(float64(out.Replicas), in.Now), nil
		if n := len(out.Reasons); n > 0 {
			s.Because = out.Reasons[n-1].Terms
		}
	}
	out := in.Start(0)
	if in.Now >= s.NextSync {
		s.HPA, out = r.HPA.Sync(s.HPA, in, []reading.Series{{Total: s.Number}})
		s.NextSync = out.Next
		for i, because := range out.Reasons {
			if because.Rule == law.RuleMetric {
				out.Reasons[i].Rule = law.RulePublished
				out.Reasons[i].Terms = append(because.Terms, s.Because...)
			}
		}
	}
	out.Next = min(s.NextStep, s.NextSync)
	return s, out
}
