package objective

import (
	"strings"
	"time"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/score"
)

// WorkloadOf is that of an InferenceAutoscaler's reference: of an InferenceService its predictor.
func WorkloadOf(ref v1alpha1.TargetRef) Workload {
	if ref.Kind == kserve.InferenceServiceKind.Kind {
		return Workload{Deployment, kserve.PredictorName(ref.Name)}
	}
	return Workload{ref.Kind, ref.Name}
}

// OfAutoscaler is what an InferenceAutoscaler promises.
func OfAutoscaler(a *v1alpha1.InferenceAutoscaler) (Promise, *Refusal) {
	p, refused := Parse(strings.Join(Texts(a.Spec.Objectives), ", "))
	if refused != nil {
		refused.Key = "spec.objectives"
	}
	return p, refused
}

// Texts are objectives in the trigger's words. What cannot be read is left as it is, to be
// refused with the rest.
func Texts(all []v1alpha1.Objective) []string {
	texts := make([]string, len(all))
	for i, o := range all {
		said := score.Objective{Quantile: o.Quantile}
		for _, m := range []score.Metric{score.TTFT, score.TPOT} {
			if m.String() == string(o.Metric) {
				said.Metric = m
			}
		}
		if d, err := time.ParseDuration(o.Target); err == nil {
			said.Target = d
		}
		texts[i] = said.String()
	}
	return texts
}
