package law

import (
	"slices"
	"time"

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
	OracleConfig
	next int // the first level that begins later than now
}

// OracleConfig is what the clairvoyant knows.
type OracleConfig struct {
	Bounds
	ColdStart time.Duration
	Needed    []Level // in the order of time; before the first none is needed
}

// A Level says that from a time on so many replicas are needed.
type Level struct {
	From     time.Duration
	Replicas int
}

// Needs is nothing: it knows.
func (o Oracle) Needs() []reading.Signal { return nil }

// Step looks one cold start ahead.
func (o Oracle) Step(in Input) (Law, Output) {
	for o.next < len(o.Needed) && o.Needed[o.next].From <= in.Now {
		o.next++
	}
	ahead := in.Now + max(o.ColdStart, 0)
	want, last := 0, o.next
	if o.next > 0 {
		want = o.Needed[o.next-1].Replicas
	}
	for last < len(o.Needed) && o.Needed[last].From <= ahead {
		want = max(want, o.Needed[last].Replicas)
		last++
	}
	out := Output{Replicas: in.Desired, Next: in.Now + time.Hour}
	if o.next < len(o.Needed) { // what drops out of sight next
		out.Next = min(out.Next, o.Needed[o.next].From)
	}
	if last < len(o.Needed) { // what comes into sight next
		out.Next = min(out.Next, max(o.Needed[last].From-max(o.ColdStart, 0), in.Now+1))
	}
	return o, out.to("need one cold start ahead", want).clamp(o.Bounds)
}

// Sorted reports whether the levels are in the order of time.
func (c OracleConfig) Sorted() bool {
	return slices.IsSortedFunc(c.Needed, func(a, b Level) int { return int(a.From - b.From) })
}

func oracleSpec() Spec {
	return Spec{
		Name: "oracle", Doc: "knows the arrivals and pays the cold start: hindsight",
		Source: "none: a bound",
		Params: bounded("0", Param{Name: "coldstart", Default: "0s", Doc: "look so far ahead; 0s: the plant's cold start"}),
		build: func(v *values, f Facts) Law {
			c := OracleConfig{Bounds: v.bounds(), ColdStart: v.duration("coldstart")}
			if f.Needed != nil {
				c.Needed = f.Needed()
			}
			if c.ColdStart == 0 {
				c.ColdStart = f.ColdStart
			}
			if !c.Sorted() {
				v.fail("the needed replicas are not in the order of time")
			}
			return Oracle{OracleConfig: c}
		},
	}
}
