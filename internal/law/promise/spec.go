package promise

import (
	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
)

// Spec describes it.
func Spec() spec.Spec {
	return spec.Spec{
		Name: "flyball", Doc: "Flyball: the fewest replicas that keep a promise, learned from what vLLM counts",
		Source: "docs/design/0005-the-law.md",
		Params: spec.Bounded("1",
			spec.Param{Name: "promise", Default: "0", Doc: "share of requests that is to meet all objectives; 0: that of the objectives"},
			spec.Param{Name: "ttft", Default: "0s", Doc: "objective; 0s: that of the objectives"},
			spec.Param{Name: "tpot", Default: "0s", Doc: "objective; 0s: that of the objectives"},
			spec.Param{Name: "prior", Default: "profile", Doc: "what is known of the engine beforehand", Words: []string{"profile", "none"}},
		),
		Build: func(v *spec.Values) law.Law {
			l := Law{Bounds: v.Bounds(), Promise: v.Number("promise"), TTFT: v.Duration("ttft"), TPOT: v.Duration("tpot")}
			if l.Promise >= 1 {
				v.Fail("promise=%v: want a share below 1", l.Promise)
			}
			if v.Word("prior") == "none" {
				l.Prior = capacity.Unknown()
			}
			return l
		},
	}
}
