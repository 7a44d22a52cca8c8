package law

import "github.com/flyball-dev/flyball/internal/reading"

// A Relay hands the number of a law to an HPA as an external metric with an
// AverageValue target of 1: the way in which controllers that only publish a number
// act. The HPA's tolerance, limits and windows are then part of the law.
type Relay struct {
	inner    Law
	hpa      HPA
	number   reading.Series // as last published
	rule     string         // that made it
	next     Output         // of the inner law
	nextSync Output
	started  bool
}

// NewRelay lets an HPA of the given behavior and bounds follow a law.
func NewRelay(inner Law, c HPAConfig) Relay {
	c.Metrics = []HPAMetric{{Kind: External, Target: AverageValue, Goal: 1}}
	return Relay{inner: inner, hpa: HPA{HPAConfig: c}}
}

// Needs is what the law needs.
func (r Relay) Needs() []reading.Signal { return r.inner.Needs() }

// Step steps whichever of the two is due, the law first.
func (r Relay) Step(in Input) (Law, Output) {
	if !r.started {
		r.started, r.next.Next, r.nextSync.Next = true, in.Now, max(in.Now, r.hpa.FirstSync)
	}
	if in.Now >= r.next.Next {
		r.inner, r.next = r.inner.Step(in)
		r.number, r.rule = answer(int64(r.next.Replicas)*1000, true, in.Now), "no change"
		if n := len(r.next.Reasons); n > 0 {
			r.rule = r.next.Reasons[n-1].Rule
		}
	}
	out := Output{Replicas: max(in.Desired, 0)}
	if in.Now >= r.nextSync.Next {
		r.hpa, out = r.hpa.sync(in, []reading.Series{r.number})
		r.nextSync = out
		for i := range out.Reasons {
			if out.Reasons[i].Rule == "metric" {
				out.Reasons[i].Rule = r.rule
			}
		}
	}
	out.Next = min(r.next.Next, r.nextSync.Next)
	return r, out
}
