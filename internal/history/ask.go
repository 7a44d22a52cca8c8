package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// vLLM's names (docs/vllm-metrics.md).
const (
	firstTokens     = vllm.TimeToFirstTokenSeconds + "_count"
	waiting         = vllm.NumRequestsWaiting
	promptTokens    = vllm.RequestPromptTokens
	generatedTokens = vllm.RequestGenerationTokens
)

// A service is chosen by the labels that config/prometheus sets, or, where its pods are of no
// InferenceService, by their names.
type service struct {
	namespace, name string
	pods            string // a regular expression; "": by the labels
}

func (s service) String() string { return s.namespace + "/" + s.name }

// selected is a query in which %s stands for a metric of the service and what follows.
func (s service) selected(query, metric string, more ...any) string {
	chosen := fmt.Sprintf("isvc_name=%q", s.name)
	if s.pods != "" {
		chosen = fmt.Sprintf("pod=~%q", s.pods)
	}
	return fmt.Sprintf(query, append([]any{fmt.Sprintf("%s{namespace=%q,%s}", metric, s.namespace, chosen)}, more...)...)
}

// promTime is a window as PromQL has it.
func promTime(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// short leaves out the zeros of 24h0m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// A grid is points in time: start, and one after each of the steps.
type grid struct {
	start time.Time
	step  time.Duration
	steps int
}

func (g grid) span() time.Duration { return time.Duration(g.steps) * g.step }

func (g grid) at(i int) time.Time { return g.start.Add(time.Duration(i) * g.step) }

// perQuery is how many points of a series one query asks for. A Prometheus refuses more
// than 11,000; fewer keep an answer small and quick.
const perQuery = 2000

type asker struct {
	api     prometheus.API
	warning string
}

// took hints at what mends an error, and keeps a warning.
func (a *asker) took(warnings prometheus.Warnings, err error) error {
	if len(warnings) > 0 && a.warning == "" {
		a.warning = warnings[0]
	}
	var answer *prometheus.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && (strings.HasSuffix(answer.Msg, " 401") || strings.HasSuffix(answer.Msg, " 403")):
		return hint.With(fmt.Errorf("asking Prometheus: %w", err), "it wants credentials: --prometheus-user USER --prometheus-password-file FILE")
	case errors.As(err, &answer) && (answer.Type == prometheus.ErrExec || answer.Type == prometheus.ErrTimeout):
		return hint.With(fmt.Errorf("asking Prometheus: %w", err), "a shorter --last asks less of it")
	}
	return hint.With(fmt.Errorf("asking Prometheus: %w", err), "see whether the address is that of a Prometheus that answers here")
}

// now is the server's time.
func (a *asker) now(ctx context.Context) (time.Time, error) {
	v, warnings, _, err := a.api.Query(ctx, "time()", time.Time{})
	if err := a.took(warnings, err); err != nil {
		return time.Time{}, err
	}
	scalar, ok := v.(*model.Scalar)
	if !ok || !(scalar.Value > 0 && scalar.Value < math.MaxInt32*1000.0) {
		return time.Time{}, a.took(nil, errors.New("the answer to time() is no time"))
	}
	return time.UnixMilli(int64(float64(scalar.Value) * 1000)).UTC(), nil
}

// find is the service that is meant, of those that have served.
func (a *asker) find(ctx context.Context, wanted string, from, to time.Time) (service, error) {
	sets, warnings, _, err := a.api.Series(ctx, []string{firstTokens}, from, to)
	if err := a.took(warnings, err); err != nil {
		return service{}, err
	}
	var all []service
	for _, l := range sets {
		if s := (service{namespace: string(l["namespace"]), name: string(l["isvc_name"])}); s.namespace != "" && s.name != "" {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b service) int { return strings.Compare(a.String(), b.String()) })
	all = slices.Compact(all)
	at := slices.IndexFunc(all, func(s service) bool { return s.String() == wanted })
	switch span := short(to.Sub(from).Round(time.Second)); {
	case len(sets) == 0:
		return service{}, hint.With(fmt.Errorf("no series of %s in the last %s", firstTokens, span),
			"no vLLM was scraped in that time: a longer --last, or see flyball doctor --prometheus")
	case len(all) == 0:
		return service{}, hint.With(fmt.Errorf("%d series of %s, none with the labels namespace and isvc_name", len(sets), firstTokens),
			"neither vLLM nor KServe sets them: relabel with the PodMonitor of config/ or its scrape configuration")
	case at >= 0:
		return all[at], nil
	case wanted != "":
		return service{}, hint.With(fmt.Errorf("no series of the service %q in the last %s", wanted, span), "--service is one of %s", listed(all))
	case len(all) > 1:
		return service{}, hint.With(fmt.Errorf("%d services were counted in the last %s", len(all), span), "choose one by --service: %s", listed(all))
	}
	return all[0], nil
}

// listed names some.
func listed(all []service) string {
	const most = 20
	var names []string
	for _, s := range all[:min(len(all), most)] {
		names = append(names, s.String())
	}
	if more := len(all) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// interval is the time between two scrapes, by the most samples of a step of g.
func (a *asker) interval(ctx context.Context, s service, g grid) (time.Duration, error) {
	counts, err := a.one(ctx, s.selected("max(count_over_time(%s[%s]))", firstTokens, promTime(g.step)), g)
	if err != nil {
		return 0, err
	}
	most := 0.0
	for _, n := range counts {
		if n > most { // not NaN
			most = n
		}
	}
	if most < 2 {
		return 0, hint.With(fmt.Errorf("%s: fewer than two samples of %s in each %s", s, firstTokens, short(g.step)),
			"scrape it every 15s to 1m")
	}
	return max(time.Second, time.Duration(g.step.Seconds()/most*float64(time.Second)).Round(time.Second)), nil
}

// idle are the steps of g in which the service had no pod: none is scraped, and others
// are.
func (a *asker) idle(ctx context.Context, s service, g grid) ([]bool, error) {
	pods, err := a.one(ctx, s.selected("count(%s)", "up"), g)
	if err != nil {
		return nil, err
	}
	others, err := a.one(ctx, "count(up)", g)
	if err != nil {
		return nil, err
	}
	idle := make([]bool, len(pods))
	for i := range idle {
		idle[i] = math.IsNaN(pods[i]) && others[i] > 0
	}
	return idle, nil
}

// one asks for a query of which there is one series, at every point of g; NaN is where
// there is no answer.
func (a *asker) one(ctx context.Context, query string, g grid) ([]float64, error) {
	values := make([]float64, g.steps+1)
	for i := range values {
		values[i] = math.NaN()
	}
	err := a.each(ctx, query, g, func(_ string, i int, v float64) error {
		values[i] = v
		return nil
	})
	return values, err
}

// each asks for a query at every point of g and gives every value that is a number,
// with the label le of its series.
func (a *asker) each(ctx context.Context, query string, g grid, take func(le string, i int, v float64) error) error {
	for first := 0; first <= g.steps; first += perQuery {
		last := min(first+perQuery-1, g.steps)
		v, warnings, _, err := a.api.QueryRange(ctx, query, prometheus.Range{Start: g.at(first), End: g.at(last), Step: g.step})
		if err := a.took(warnings, err); err != nil {
			return err
		}
		matrix, ok := v.(model.Matrix)
		if !ok {
			return a.took(nil, fmt.Errorf("the answer to %s is no matrix", query))
		}
		for _, series := range matrix {
			if series == nil { // null in its place
				return a.took(nil, fmt.Errorf("the answer to %s is no matrix", query))
			}
			for _, p := range series.Values {
				i := int(p.Timestamp.Time().Sub(g.start).Round(g.step) / g.step)
				x := float64(p.Value)
				if i < first || i > last || math.IsNaN(x) || math.IsInf(x, 0) {
					continue
				}
				if err := take(string(series.Metric["le"]), i, x); err != nil {
					return a.took(nil, err)
				}
			}
		}
	}
	return nil
}
