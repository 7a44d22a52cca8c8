package webtest

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// Why is what a scaler would have recorded of a service with objectives: a decision for each
// number.
func (w World) Why(_ context.Context, recorded string, from, to time.Time) (why.Told, []string, error) {
	n := w.number(strings.TrimSuffix(strings.TrimSuffix(recorded, "-promise"), "-predictor"))
	var log bytes.Buffer
	lines := record.NewWriter(&log)
	for i := 0; !Start().Add(time.Duration(i) * Every).After(to); i++ {
		before, ready := replicas(n, max(0, i-1))
		after, _ := replicas(n, i)
		if i > 0 && before == after {
			continue
		}
		step := record.Step{Brief: true, Policy: decide.Policy{Law: promise.Law{Bounds: law.Bounds{Min: 1, Max: most}}}}
		step.Input = decide.Input{Now: time.Duration(Start().Add(time.Duration(i) * Every).UnixNano()), Fleet: law.Fleet{Desired: before, Ready: ready}}
		step.Decision = decide.Decision{Replicas: after, Reasons: reasons(load(n, i), before, after)}
		if err := lines.Write(recorded, step); err != nil {
			return why.Told{}, nil, err
		}
	}
	told, err := why.Tell(record.NewReader(&log), recorded, time.Duration(from.UnixNano()), time.Duration(to.UnixNano()))
	return told, nil, err
}

// reasons are those of a number at a load, as Flyball's law gives them.
func reasons(load float64, from, to int) []law.Reason {
	expected, fewer := law.Known(law.TermExpected, .04, law.UnitShare), law.Known(law.TermFewer, .21, law.UnitShare)
	allowed := law.Known(law.TermAllowed, .1, law.UnitShare)
	return []law.Reason{
		{Rule: law.RuleMisses, From: from, To: to, Terms: []law.Term{law.Replicas(law.TermWanted, to), expected, fewer}},
		{Rule: law.RuleOutlook, From: to, To: to, Terms: []law.Term{
			law.Known(law.TermArrivals, load, law.UnitRequestsPerSecond), law.Known(law.TermDemand, load/1.2, law.UnitReplicas),
			law.Known(law.TermCapacity, 1.2, law.UnitRequestsPerSecond), law.Known(law.TermLeast, 1.1, law.UnitRequestsPerSecond), law.Known(law.TermMost, 1.3, law.UnitRequestsPerSecond),
			fewer, expected, law.Known(law.TermMore, .01, law.UnitShare), allowed, law.Known(law.TermBudget, 100, law.UnitRequests), law.Seconds(law.TermLead, 32*time.Second),
		}},
	}
}
