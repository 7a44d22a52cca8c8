package lint

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/flyball-dev/flyball/internal/lint/expr"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/query"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// queryRules are about what a query reads and what it answers.
func queryRules() []Rule {
	return []Rule{
		{
			ID: "query-syntax", Severity: Error, Title: "a query that Prometheus cannot read",
			Why: "Prometheus answers 400, KEDA counts an error at each poll, and nothing scales.",
			Fix: "correct the query; a quote inside a label's value is written \\\"",
		},
		{
			ID: "query-removed-metric", Severity: Error, Title: "a metric that vLLM no longer exports, or does not yet",
			Why: "The answer is empty. KEDA takes an empty answer for 0 by default, so the service shrinks to its " +
				"minimum while it is busy. vLLM hides a renamed metric for one release and then drops it.",
			Fix: "use the name that it has, or give the PrometheusRule that records this one",
		},
		{
			ID: "query-unknown-metric", Severity: Warning, Title: "a vllm: metric that vLLM does not export",
			Why: "The answer is empty, which KEDA takes for 0 by default. Counters end in _total; of a histogram only " +
				"the _bucket, _sum and _count are series.",
			Fix:   "see docs/vllm-metrics.md for the names; if a recording rule or a router makes it, give its PrometheusRule",
			check: checkUnknown,
		},
		{
			ID: "query-unknown-label", Severity: Warning, Title: "a label that vLLM's series do not have",
			Why:   "A demand that no series meets makes the answer empty, which KEDA takes for 0 by default.",
			Fix:   "model_name is the first of --served-model-name, engine the number of the engine; the others come with the scrape",
			check: checkLabels,
		},
		{
			ID: "query-not-vector", Severity: Error, Title: "a query whose answer is no instant vector",
			Why:   "KEDA reads a vector of one element. A scalar, a string or a range is an error at each poll.",
			Fix:   "leave out scalar() and [range]; make a number a vector with vector()",
			check: checkVector,
		},
		{
			ID: "query-many-series", Severity: Error, Title: "a query that answers with more than one series",
			Why: "Each pod has its own series. With one replica the query works; with the second KEDA reports \"returned " +
				"multiple elements\", and the service neither grows nor shrinks any more.",
			Fix:   "sum() over all pods, without by()",
			check: checkMany,
		},
		{
			ID: "query-no-namespace", Severity: Warning, Title: "a query on vLLM without the namespace",
			Why:   "A service of the same name in another namespace, staging for instance, adds its load to this one's.",
			Fix:   "add namespace=\"NAMESPACE\" to the selector",
			check: checkNamespace,
		},
		{
			ID: "query-no-service", Severity: Warning, Title: "a query on vLLM that does not name the service",
			Why:   "It reads every vLLM in reach: the load of other models scales this one.",
			Fix:   "add isvc_name=\"NAME\" (config/prometheus sets the label), or model_name=\"MODEL\"",
			check: checkService,
		},
		{
			ID: "query-wrong-service", Severity: Warning, Title: "a query that names another service or namespace",
			Why:   "A manifest that was copied keeps the query of its original: the load of that one scales this one.",
			Fix:   "name the service that is scaled, and its namespace",
			check: checkWrong,
		},
		{
			ID: "query-unescaped", Severity: Warning, Title: "a name used as a pattern, or put into a URL, without escapes",
			Why: "In =~ a dot is any character, so Llama-3.1-8B also matches Llama-3-1-8B. KEDA appends a trigger's " +
				"namespace to the URL as it is.",
			Fix:   "use = for a name, or write \\\\. for a dot; give only a namespace's name as namespace",
			check: checkEscapes,
		},
		{
			ID: "query-vector-zero", Severity: Warning, Title: "a query that puts 0 where there are no series",
			Why: "When Prometheus loses the pods, or a label changes, \"or vector(0)\" says that there is no load, and a " +
				"busy service is scaled down.",
			Fix:   "leave it out with ignoreNullValues \"false\", or take the 0 from the pods: or 0 * sum(" + vllm.NumRequestsRunning + "{…})",
			check: checkVectorZero,
		},
	}
}

// each calls visit for every trigger with a query that can be read.
func (m *manifests) each(visit func(s *scaler, t trigger)) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			if t.measures() {
				visit(s, t)
			}
		}
	}
}

// place is where a finding about what a trigger reads belongs.
func (t trigger) place() manifest.Field {
	if t.query.OK() {
		return t.query
	}
	return t.at
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func checkUnknown(m *manifests, report reporter) {
	recorded := query.Recorded(m.objects)
	m.each(func(_ *scaler, t trigger) {
		for _, name := range distinct(t.series()) {
			if colon, ok := vllm.Colon(name); ok && !recorded[name] && vllm.IsSeries(colon) {
				report(t.query, "vLLM exports no %s: its names have a colon, %s", name, colon)
			}
			if !strings.HasPrefix(name, vllm.Prefix) || vllm.IsSeries(name) || recorded[name] {
				continue
			}
			switch near := vllm.NearestSeries(name); {
			case vllm.IsHistogram(name):
				report(t.query, "%s is a histogram: its series are %s_bucket, _sum and _count", name, name)
			case near != "":
				report(t.query, "vLLM exports no %s; %s is near", name, near)
			default:
				report(t.query, "vLLM exports no %s", name)
			}
		}
	})
}

func checkVector(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		if kind := t.expr.Type(); kind != parser.ValueTypeVector {
			report(t.query, "the answer is a %s, not a vector of one element", kind)
		}
	})
}

// checkLabels looks at vLLM's own series only: what a recording rule makes has the labels
// that it gives.
func checkLabels(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		for _, s := range engineSelectors(t) {
			for _, l := range s.LabelMatchers {
				if instead, ok := vllm.LabelInstead(l.Name); ok {
					report(t.query, "vLLM's series have no label %s; %s is what names it", l.Name, instead)
				}
			}
		}
	})
}

// checkMany speaks of what vLLM exports, once for each pod. Of other series it only
// knows that a grouping keeps them apart.
func checkMany(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		switch {
		case t.expr.Type() != parser.ValueTypeVector || !expr.Many(t.expr):
		case expr.Open(t.expr) && expr.PerPod(t.expr):
			report(t.query, "one series for each pod: nothing sums them up")
		case expr.Open(t.expr):
		case onlySides(t.expr):
			report(t.query, "two series: the sides of \"or\" have different labels, so both stay")
		default:
			if apart := splitting(t.expr); len(apart) > 0 {
				report(t.query, "one series for each %s", strings.Join(apart, " and "))
			}
		}
	})
}

// splitting are the labels that keep series apart: those of which one service has
// several values, and all others where the query does not name a service.
func splitting(e parser.Expr) []string {
	named := !slices.ContainsFunc(query.Selectors(e), func(s *parser.VectorSelector) bool { return !naming(s) })
	within := []string{"pod", "instance", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "node", "engine", "le", "reason", "finished_reason", "source", "value"}
	return slices.DeleteFunc(expr.Apart(e), func(label string) bool { return named && !slices.Contains(within, label) })
}

func onlySides(e parser.Expr) bool { return slices.Equal(expr.Apart(e), []string{"side"}) }

// engineSelectors are the selectors of a query that read vLLM's series.
func engineSelectors(t trigger) []*parser.VectorSelector {
	return slices.DeleteFunc(query.Selectors(t.expr), func(s *parser.VectorSelector) bool { return !vllm.IsSeries(query.Series(s)) })
}

// scopes are labels that do not tell one service from another.
func scopes() []string {
	return append(namespaces(), model.MetricNameLabel, "engine", "le", "reason",
		"source", "finished_reason", "cluster", "env", "environment", "prometheus", "sleep_state")
}

// namespaces are the labels that scrapes give for a pod's: Prometheus' own, by way of
// OpenTelemetry, and as its receivers write it.
func namespaces() []string {
	return []string{"namespace", "exported_namespace", "kubernetes_namespace", "k8s_namespace", "k8s_namespace_name"}
}

func checkNamespace(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		if t.at.Get("metadata", "namespace").OK() || t.at.Get("external", "metric", "namespace").OK() {
			return // the server adds it to each selector
		}
		for _, s := range engineSelectors(t) {
			if !slices.ContainsFunc(namespaces(), func(label string) bool { return matcher(s, label) != nil }) {
				report(t.query, "%s is read from every namespace", query.Series(s))
				return
			}
		}
	})
}

func checkService(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		for _, s := range engineSelectors(t) {
			if !naming(s) {
				report(t.query, "%s is read from every service", query.Series(s))
				return
			}
		}
	})
}

// naming tells whether a selector tells one service from another.
func naming(s *parser.VectorSelector) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(l *labels.Matcher) bool {
		return !slices.Contains(scopes(), l.Name) && matcher(s, l.Name) != nil
	})
}

func checkWrong(m *manifests, report reporter) {
	m.each(func(s *scaler, t trigger) {
		for _, sel := range engineSelectors(t) {
			for label, want := range map[string]string{"namespace": s.of.Namespace, "isvc_name": s.service} {
				l := matcher(sel, label)
				if l != nil && want != "" && !unfilled(l.Value) && !unfilled(want) && !l.Matches(want) {
					report(t.query, "%s is read where %s, but this scales %s", query.Series(sel), l, want)
				}
			}
		}
	})
}

func checkEscapes(m *manifests, report reporter) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			for _, f := range []manifest.Field{t.at.Get("metadata", "namespace"), t.at.Get("external", "metric", "namespace")} {
				if f.OK() && !unfilled(f.Text()) && len(validation.IsDNS1123Label(f.Text())) > 0 {
					report(f, "%q is no namespace, and KEDA puts it into the URL unescaped", f.Text())
				}
			}
			for _, sel := range query.Selectors(t.expr) {
				for _, l := range sel.LabelMatchers {
					if (l.Type == labels.MatchRegexp || l.Type == labels.MatchNotRegexp) && hasLooseDot(l.Value) {
						report(t.query, "the dot in %s matches any character", l)
					}
				}
			}
		}
	}
}

// hasLooseDot finds a dot that is neither escaped nor repeated: .* and .+ are meant.
func hasLooseDot(pattern string) bool {
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '.' && !class && (i+1 == len(pattern) || !strings.ContainsRune("*+?{", rune(pattern[i+1]))):
			return true
		}
	}
	return false
}

func checkVectorZero(m *manifests, report reporter) {
	m.each(func(_ *scaler, t trigger) {
		if expr.OrZero(t.expr) {
			report(t.query, "no series is taken for no load")
		}
	})
}
