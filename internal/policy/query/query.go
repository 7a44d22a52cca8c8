package query

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// Parse reads PromQL as Prometheus does without feature flags.
func Parse(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(text)
}

// Selectors are the places of a query that read series.
func Selectors(e parser.Expr) []*parser.VectorSelector {
	var all []*parser.VectorSelector
	if e == nil {
		return nil
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			all = append(all, s)
		}
		return nil
	})
	return all
}

// Series is the metric name that a selector demands, "" if it names none.
func Series(s *parser.VectorSelector) string {
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return s.Name
}

// Recorded are the names that PrometheusRules record.
func Recorded(docs []*manifest.Document) map[string]bool {
	all := map[string]bool{}
	for _, d := range docs {
		if d.Kind != "PrometheusRule" {
			continue
		}
		for _, g := range d.Get("spec", "groups").Items() {
			for _, r := range g.Get("rules").Items() {
				if name := r.Get("record"); name.OK() {
					all[name.Text()] = true
				}
			}
		}
	}
	return all
}
