package reference

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Oracle is the clairvoyant: it is told how many replicas will be needed when, and
// what it orders serves a cold start later like anybody's. With N(t) the need and C
// the cold start, the least that keeps N(t) ready replicas at every t is
//
//	d(t) = max N(u), t ≤ u ≤ t + C
//
// fewer at t could not be made up for by u, more would never be needed. Real laws
// cannot reach it; the distance to it is what better foresight could still save.
//
// Worked example (TestOracleWorkedExample): 2 are needed, from minute 5 on 6, from
// minute 8 on 1; the cold start is 2 minutes. 2 until minute 3, then 6 until minute 8,
// then 1.
type Oracle struct {
	law.Bounds
	ColdStart time.Duration
	Needed    []Level // in the order of time; before the first none is needed
}

// A Level says that from a time on so many replicas are needed.
type Level struct {
	From     time.Duration
	Replicas int
}

// OracleState is where it stands in the order.
type OracleState struct {
	Next int // the first level that begins later than now
}

// Name is oracle.
func (Oracle) Name() string { return "oracle" }

// Needs is nothing: it knows.
func (Oracle) Needs() []reading.Signal { return nil }

// Step looks one cold start ahead.
func (o Oracle) Step(state law.State, in law.Input) (law.State, law.Output) {
	s := law.Resume[OracleState](state)
	s.Next = min(max(s.Next, 0), len(o.Needed))
	for s.Next < len(o.Needed) && o.Needed[s.Next].From <= in.Now {
		s.Next++
	}
	ahead := in.Now + max(o.ColdStart, 0)
	want, last := 0, s.Next
	if s.Next > 0 {
		want = o.Needed[s.Next-1].Replicas
	}
	for last < len(o.Needed) && o.Needed[last].From <= ahead {
		want = max(want, o.Needed[last].Replicas)
		last++
	}
	out := in.Start(time.Hour)
	if s.Next < len(o.Needed) { // what drops out of sight next
		out.Next = min(out.Next, max(o.Needed[s.Next].From, in.Now+1))
	}
	if last < len(o.Needed) { // what comes into sight next
		out.Next = min(out.Next, max(o.Needed[last].From-max(o.ColdStart, 0), in.Now+1))
	}
	return s, out.By(law.RuleNeed, law.Replicas(law.TermNeeded, want)).Clamp(o.Bounds)
}

// OracleSpec describes it. What it knows is put in before the run.
func OracleSpec() spec.Spec {
	return spec.Spec{
		Name: "oracle", Doc: "knows the arrivals and pays the cold start: hindsight",
		Source: "none: a bound", Hindsight: true,
		Params: spec.Bounded("0", spec.Param{Name: "coldstart", Default: "0s", Doc: "look so far ahead; 0s: the plant's cold start"}),
		Build: func(v *spec.Values) law.Law {
			return Oracle{Bounds: v.Bounds(), ColdStart: v.Duration("coldstart")}
		},
	}
}
