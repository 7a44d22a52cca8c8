package simulate

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/promsim"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// promPath is the Prometheus of a run: it scrapes what the replicas expose, with the
// labels that config/prometheus gives them, and knows the shipped recording rules.
type promPath struct {
	ctx      context.Context // of the comparison
	db       *promsim.DB
	interval time.Duration
	jobs     []job
	targets  map[string][]*promsim.Target // of a pod, one of each job
	last     map[string]time.Duration
}

// A job is how a pod is scraped: with which labels, besides those of the pod.
type job struct {
	scraped
	labels  map[string]string
	metrics []promsim.Metric
}

// A scraped says whose series they are.
type scraped struct{ namespace, service, deployment, model string }

func (s scraped) job() job {
	labels := map[string]string{"namespace": s.namespace, "job": "vllm", "container": "kserve-container"}
	if s.service != "" {
		labels["isvc_name"] = s.service
	}
	j := job{s, labels, nil}
	for _, c := range scenario.Exposed() {
		j.metrics = append(j.metrics, exposed(c, s.model))
	}
	return j
}

// exposed is a column as vLLM exposes it.
func exposed(c scenario.Column, model string) promsim.Metric {
	m := promsim.Metric{Name: vllm.Series(c.Family), Labels: map[string]string{"model_name": model, "engine": "0"}}
	switch c.Part {
	case scenario.Bucket:
		m.Name += "_bucket"
		m.Labels["le"] = strconv.FormatFloat(c.Upper, 'f', -1, 64)
	case scenario.Sum:
		m.Name += "_sum"
	case scenario.Count:
		m.Name += "_count"
	default: // the whole family
	}
	if c.Family == reading.EndedRequests {
		m.Labels["finished_reason"] = c.Ending.String()
	}
	return m
}

// neighbours are two services of another model under the same load: one in the same
// namespace, and one of the same name elsewhere. A Prometheus has more than one service,
// and a query that does not single one out reads the others too.
func (s scraped) neighbours() []scraped {
	beside, elsewhere := s, s
	beside.service, beside.deployment, beside.model = s.service+"-neighbour", "neighbour-"+s.deployment, "neighbour"
	if s.service == "" {
		beside.service = ""
	}
	elsewhere.namespace, elsewhere.model = s.namespace+"-neighbour", "neighbour"
	return []scraped{beside, elsewhere}
}

// labels are those by which a query can single a service out.
func (s scraped) labels() map[string]string {
	l := map[string]string{"namespace": s.namespace, "model_name": s.model, "pod": s.deployment + "-0"}
	if s.service != "" {
		l["isvc_name"] = s.service
	}
	return l
}

// reads says whether a query takes series of a service.
func reads(e promsim.Expression, s scraped) bool {
	known := s.labels()
	ofSeries := []string{"__name__", "le", "finished_reason", "engine", "instance", "job", "container"} // each has several
	return slices.ContainsFunc(e.Selectors, func(sel promsim.Selector) bool {
		return !slices.ContainsFunc(sel.Matchers, func(m promsim.Matcher) bool {
			return !slices.Contains(ofSeries, m.Label) && !m.Matches(known[m.Label])
		})
	})
}

// simulatedPrometheus makes the Prometheus of a service. Besides the shipped recording
// rules it has those of further files; rules are evaluated as often as targets are
// scraped.
func simulatedPrometheus(ctx context.Context, of scraped, further []string) (func(interval, phase time.Duration, queries []string) (scenario.PromQL, error), error) {
	shipped, err := fs.ReadFile(config.Files, "prometheus/rules.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the recording rules: %w", err)
	}
	var rules []promsim.Group
	for _, text := range append([]string{string(shipped)}, further...) {
		more, err := promsim.ParseRules([]byte(text))
		if err != nil {
			return nil, err
		}
		rules = append(rules, more...)
	}
	own := of.job()
	return func(interval, phase time.Duration, queries []string) (scenario.PromQL, error) {
		groups := slices.Clone(rules)
		for i := range groups {
			groups[i].Phase = (phase + interval/2) % interval
		}
		db, err := promsim.New(promsim.Config{Queries: queries, Groups: groups, Evaluation: interval})
		if err != nil {
			return nil, err
		}
		p := &promPath{ctx: ctx, db: db, interval: interval, jobs: []job{own}, targets: map[string][]*promsim.Target{}, last: map[string]time.Duration{}}
		for _, q := range queries {
			e, err := answerable(q, own.metrics, rules)
			if err != nil {
				return nil, err
			}
			for _, n := range of.neighbours() {
				if reads(e, n) {
					p.jobs = append(p.jobs, n.job())
				}
			}
		}
		return p, nil
	}, nil
}

// answerable refuses a query for a metric that nothing here exposes: its answer would
// always be empty, whatever a cluster has.
func answerable(query string, metrics []promsim.Metric, rules []promsim.Group) (promsim.Expression, error) {
	known := map[string]bool{"up": true}
	for _, m := range metrics {
		known[m.Name] = true
	}
	for _, g := range rules {
		for _, r := range g.Rules {
			known[r.Record] = true
		}
	}
	e, err := promsim.Parse(query)
	if err != nil {
		return e, err
	}
	for _, s := range e.Selectors {
		if s.Name != "" && !known[s.Name] {
			return e, hint.With(fmt.Errorf("query %q asks for %s, which a simulated vLLM does not have", query, s.Name),
				"docs/simulate.md has the list of those it has")
		}
	}
	return e, nil
}

// Scrape is of one replica.
func (p *promPath) Scrape(at time.Duration, pod string, values []float64) error {
	if p.targets[pod] == nil {
		for _, j := range p.jobs {
			name := strings.Replace(pod, "pod", j.deployment, 1)
			labels := map[string]string{"pod": name, "instance": name}
			maps.Copy(labels, j.labels)
			p.targets[pod] = append(p.targets[pod], p.db.Target(labels, j.metrics))
		}
	}
	p.evaluate(at)
	p.last[pod] = at
	for _, t := range p.targets[pod] {
		if err := t.Scrape(at, values); err != nil {
			return err
		}
	}
	return nil
}

// Gone is the end of a replica.
func (p *promPath) Gone(_ time.Duration, pod string) {
	for _, t := range p.targets[pod] {
		t.Remove(p.last[pod]+p.interval, p.interval)
	}
	delete(p.targets, pod)
	delete(p.last, pod)
}

// Query asks as KEDA does. A rule that cannot be evaluated is what its query then
// lacks.
func (p *promPath) Query(at time.Duration, text string) reading.Reading {
	p.evaluate(at)
	answer, err := p.db.Query(p.ctx, text, at)
	if err != nil {
		return reading.Failed(at)
	}
	return answer.Reading
}

func (p *promPath) evaluate(at time.Duration) {
	_ = p.db.Evaluate(p.ctx, at) // Prometheus logs it and goes on
}
