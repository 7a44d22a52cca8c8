package lint

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/policy/query"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// series are the names that a trigger reads, vLLM's spelled as vLLM does also where
// an adapter gave them another form.
func (t trigger) series() []string {
	var all []string
	for _, s := range query.Selectors(t.expr) {
		all = append(all, query.Series(s))
	}
	if t.metric != "" {
		all = append(all, vllm.Adapted(t.metric))
	}
	return all
}

// only tells whether all that the trigger reads is among the names, and there is some.
func (t trigger) only(names ...string) bool {
	all := t.series()
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(names, s) })
}

const (
	running = vllm.NumRequestsRunning
	waiting = vllm.NumRequestsWaiting
)

// fromEngine tells whether all that the trigger reads comes from vLLM's pods.
func (t trigger) fromEngine() bool {
	all := t.series()
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !vllm.IsSeries(s) })
}

// matcher finds what a selector demands of a label, nil if nothing.
func matcher(s *parser.VectorSelector, label string) *labels.Matcher {
	for _, m := range s.LabelMatchers {
		anything := m.Type == labels.MatchRegexp && (m.Value == ".*" || m.Value == ".+")
		if m.Name == label && !anything {
			return m
		}
	}
	return nil
}
