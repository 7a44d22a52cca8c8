package reference

import (
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
)

// Oracle is the clairvoyant: before the run a plan is searched on the very plant, under
// the very arrivals, the cheapest found that meets the objectives of the target's share of
// the requests. It is the best plan found, not the best there is; real laws cannot reach
// it, and the distance to it is what better foresight could still save.
//
// Worked example (TestOracleWorkedExample): with the plan 3 and from minute 5 on 1, it
// asks for 3, and from minute 5 on for 1.
type Oracle struct {
	Target   float64 // the share of requests; 0: the one that is promised
	Schedule         // the plan, put in before the run; the bounds are those of the search
}

// Name is oracle.
func (Oracle) Name() string { return "oracle" }

// OracleSpec describes it.
func OracleSpec() spec.Spec {
	return spec.Spec{
		Name: "oracle", Doc: "the best plan found by searching on the simulated fleet itself: hindsight",
		Source: "none: a bound", Hindsight: true,
		Params: spec.Bounded("0", spec.Param{Name: "target", Default: "0", Doc: "share of requests to meet all objectives; 0: the promised one"}),
		Build: func(v *spec.Values) law.Law {
			o := Oracle{Target: v.Number("target"), Schedule: Schedule{Bounds: v.Bounds()}}
			if o.Target > 1 {
				v.Fail("target=%g: want a share from 0 to 1, as 0.99", o.Target)
			}
			return o
		},
	}
}
