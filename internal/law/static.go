package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Static asks for N replicas at all times: the peak provisioning that autoscaling is
// measured against (reference: none; it is the null law).
//
// Worked example (TestStaticWorkedExample): N = 8: 8, whatever happens.
type Static struct{ N int }

// Needs is nothing.
func (s Static) Needs() []reading.Signal { return nil }

// Step asks for N.
func (s Static) Step(in Input) (Law, Output) {
	out := Output{Replicas: in.Desired, Next: in.Now + time.Hour}
	return s, out.to("static", min(max(s.N, 0), most))
}

func staticSpec() Spec {
	return Spec{
		Name: "static", Doc: "always n replicas", Source: "none: the null law",
		Params: []Param{{Name: "n", Default: "8", Unit: "replicas", Doc: "how many"}},
		build:  func(v *values, _ Facts) Law { return Static{v.count("n")} },
	}
}
