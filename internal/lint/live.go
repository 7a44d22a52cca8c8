package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/query"
)

// liveRules are what Live finds.
func liveRules() []Rule {
	return []Rule{
		{
			ID: "live-no-series", Severity: Warning, Title: "a query to which Prometheus has no answer",
			Flag: "--live URL",
			Why:  "A service without a pod has no series. One with pods is not scraped, or not under these labels.",
			Fix:  "if pods are up, see flyball doctor and the scrape configuration in config/prometheus",
		},
		{
			ID: "live-many-series", Severity: Error, Title: "a query to which Prometheus answers with several series",
			Flag: "--live URL",
			Why:  "KEDA reports \"returned multiple elements\", and the service does not scale.",
			Fix:  "sum() over all pods, without by()",
		},
		{
			ID: "live-refused", Severity: Error, Title: "a query that Prometheus refuses",
			Flag: "--live URL",
			Why:  "KEDA gets the same answer at each poll.",
			Fix:  "correct the query as Prometheus says",
		},
	}
}

// Live asks a Prometheus each query of the manifests, whatever server they name.
// Its error is that the server does not answer; what it answers are findings.
func Live(ctx context.Context, server api.Client, objects []*manifest.Document) ([]Finding, error) {
	a := asker{prometheus.NewAPI(server), []Finding{}, nil}
	newManifests(objects, Options{}).each(func(_ *scaler, t trigger) {
		if a.err == nil && t.expr.Type() == parser.ValueTypeVector {
			a.ask(ctx, t)
		}
	})
	if a.err != nil {
		return nil, hint.With(fmt.Errorf("asking Prometheus: %w", a.err), "%s", whyNot(a.err))
	}
	return order(a.found), nil
}

// whyNot is what to do where a server answers no query.
func whyNot(err error) string {
	answer, ok := errors.AsType[*prometheus.Error](err)
	if ok && (strings.HasSuffix(answer.Msg, " 401") || strings.HasSuffix(answer.Msg, " 403")) {
		return "it wants credentials: --live-user USER --live-password-file FILE"
	}
	return "see whether --live names a Prometheus that answers here"
}

type asker struct {
	api   prometheus.API
	found []Finding
	err   error
}

func (a *asker) report(rule string, at manifest.Field, format string, args ...any) {
	r, _ := Find(rule)
	collect(&a.found, r)(at, format, args...)
}

func (a *asker) ask(ctx context.Context, t trigger) {
	n, err := a.count(ctx, t.query.Text())
	var refused *prometheus.Error
	switch {
	case isRefusal(err, &refused):
		a.report("live-refused", t.query, "%s", refused.Msg)
	case err != nil:
		a.err = err
	case n > 1:
		a.report("live-many-series", t.query, "%d series", n)
	case n == 0:
		a.explain(ctx, t)
	}
}

// count asks for the number of series that answer a query.
func (a *asker) count(ctx context.Context, query string) (int, error) {
	answer, _, _, err := a.api.Query(ctx, query, time.Time{}, prometheus.WithTimeout(5*time.Second))
	if err != nil {
		return 0, err
	}
	vector, _ := answer.(model.Vector)
	return len(vector), nil
}

// explain says of each selector without series which of its demands is to blame.
func (a *asker) explain(ctx context.Context, t trigger) {
	blamed := false
	for _, s := range query.Selectors(t.expr) {
		n, err := a.count(ctx, "count("+bareSelector(s.LabelMatchers)+")")
		if err != nil {
			a.err = err
			return
		}
		if n > 0 {
			continue
		}
		blamed = true
		a.report("live-no-series", t.query, "no series of %s%s", bareSelector(s.LabelMatchers), a.blame(ctx, s))
	}
	if !blamed && a.err == nil {
		a.report("live-no-series", t.query, "its series exist, but the answer is empty: a window too short, or labels that do not match")
	}
}

// blame drops one demand after the other.
func (a *asker) blame(ctx context.Context, s *parser.VectorSelector) string {
	for i, l := range s.LabelMatchers {
		if l.Name == model.MetricNameLabel {
			continue
		}
		rest := append(append([]*labels.Matcher{}, s.LabelMatchers[:i]...), s.LabelMatchers[i+1:]...)
		n, err := a.count(ctx, "count("+bareSelector(rest)+")")
		if err != nil {
			a.err = err
			return ""
		}
		if n > 0 {
			return "; without " + l.String() + " there are some"
		}
	}
	return ""
}

// bareSelector is a selector without offset and window.
func bareSelector(matchers []*labels.Matcher) string {
	name, rest := "", []string{}
	for _, l := range matchers {
		if l.Name == model.MetricNameLabel && l.Type == labels.MatchEqual && model.LegacyValidation.IsValidMetricName(l.Value) {
			name = l.Value
			continue
		}
		rest = append(rest, l.String())
	}
	if len(rest) == 0 {
		return name
	}
	return name + "{" + strings.Join(rest, ",") + "}"
}
