package reference

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Static asks for N replicas at all times: the peak provisioning that autoscaling is
// measured against (source: none; it is the null law).
//
// Worked example (TestStaticWorkedExample): N = 8: 8, whatever happens.
type Static struct{ N int }

// Name is static.
func (Static) Name() string { return "static" }

// Needs is nothing.
func (Static) Needs() []reading.Signal { return nil }

// Step asks for N.
func (s Static) Step(_ law.State, in law.Input) (law.State, law.Output) {
	out := in.Start(time.Hour)
	return nil, out.By(law.RuleStatic, law.Replicas(law.TermReplicas, min(max(s.N, 0), law.Most)))
}

// StaticSpec describes it.
func StaticSpec() spec.Spec {
	return spec.Spec{
		Name: "static", Doc: "always n replicas", Source: "none: the null law", Hindsight: true,
		Params: []spec.Param{{Name: "n", Default: "8", Unit: "replicas", Doc: "how many"}},
		Build:  func(v *spec.Values) law.Law { return Static{v.Count("n")} },
	}
}
