package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/policy/query"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// ask announces a query, and gives the signal that is its answer. It is refused if
// Prometheus does not take it, or if it asks for what this vLLM does not export.
func (p *maker) ask(o origin, path, text string) (reading.Signal, error) {
	e, err := query.Parse(text)
	if err != nil && text != "" { // which is told apart
		return reading.SignalUnset, o.refuse(Query, path, "correct it; a quote inside a label's value is written \\\"", "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	var errs []error
	for _, s := range query.Selectors(e) {
		errs = append(errs, p.exported(o, path, query.Series(s)))
		p.learn(s)
	}
	i := slices.Index(p.Policy.Queries, text)
	if i < 0 {
		i = len(p.Policy.Queries)
		p.Policy.Queries = append(p.Policy.Queries, text)
	}
	return reading.Query(i), join(errs...)
}

// exported refuses a series that this vLLM does not export, and nothing given records.
func (p *maker) exported(o origin, path, series string) error {
	why := p.exporter().Lacks(series)
	if why == "" || p.recorded()[series] {
		return nil
	}
	return o.refuse(Removed, path, "use the name that it has, or give the PrometheusRule that records this one", "%s", why)
}

func (m *manifests) recorded() map[string]bool { return query.Recorded(m.objects) }

// exporter is the service's vLLM, as far as the manifests say.
func (p *maker) exporter() vllm.Exporter {
	e := vllm.Exporter{Hidden: p.Engine.HiddenMetrics}
	if c, _, err := p.Pod.Serving(); err == nil && c != nil {
		e.Version = vllm.VersionOf(c.Image)
	}
	return e
}

// learn takes from a query which labels a service has whose pods are not given.
func (p *maker) learn(s *parser.VectorSelector) {
	if p.Pod.Source != nil || !vllm.IsSeries(query.Series(s)) {
		return
	}
	for _, m := range s.LabelMatchers {
		if m.Type != labels.MatchEqual || m.Value == "" {
			continue
		}
		switch {
		case m.Name == "model_name" && p.Engine.ModelName() == "":
			p.Engine.ServedNames = []string{m.Value}
		case m.Name == "isvc_name" && p.IsvcName == "":
			p.IsvcName = m.Value
		default:
			continue
		}
		p.note("Deployment %s is not given: its %s is taken from the query, %s", p.key(), m.Name, fmt.Sprintf("%q", m.Value))
	}
}
