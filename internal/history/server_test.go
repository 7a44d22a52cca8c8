package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// epoch is the server's time 0, between two minutes.
func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 7, 0, time.UTC) }

// A store is series that a Prometheus has; it answers as one does, by its engine.
type store struct {
	tb      testing.TB
	now     time.Duration
	byName  map[string]*promql.Series
	engine  *promql.Engine
	queries int // of ranges
	warning string
}

func newStore(tb testing.TB) *store {
	return &store{tb: tb, byName: map[string]*promql.Series{}, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{}),
	})}
}

// write adds a sample, of a name with labels as pairs.
func (s *store) write(at time.Duration, v float64, name string, pairs ...string) {
	l := labels.FromStrings(append([]string{model.MetricNameLabel, name}, pairs...)...)
	key := l.String()
	if s.byName[key] == nil {
		s.byName[key] = &promql.Series{Metric: l}
	}
	s.byName[key].Floats = append(s.byName[key].Floats, promql.FPoint{T: epoch().Add(at).UnixMilli(), F: v})
}

// dial is a client of a server of the store.
func (s *store) dial() api.Client { return dial(s.tb, s) }

func dial(tb testing.TB, handler http.Handler) api.Client {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	client, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var data any
	switch r.URL.Path {
	case "/api/v1/query":
		now := epoch().Add(s.now)
		data = map[string]any{"resultType": "scalar", "result": []any{float64(now.UnixMilli()) / 1000, strconv.FormatFloat(float64(now.UnixMilli())/1000, 'f', -1, 64)}}
	case "/api/v1/series":
		data = s.series(r)
	case "/api/v1/query_range":
		var err error
		if data, err = s.matrix(r); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
			return
		}
	}
	answer := map[string]any{"status": "success", "data": data}
	if s.warning != "" {
		answer["warnings"] = []string{s.warning}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func moment(r *http.Request, name string) time.Time {
	v, _ := strconv.ParseFloat(r.FormValue(name), 64)
	return time.UnixMilli(int64(v*1000 + .5))
}

func (s *store) series(r *http.Request) any {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(r.FormValue("match[]"))
	if err != nil {
		s.tb.Error(err)
	}
	found := []labels.Labels{}
	from, to := moment(r, "start").UnixMilli(), moment(r, "end").UnixMilli()
	for _, one := range s.matching(matchers) {
		if slices.ContainsFunc(one.Floats, func(p promql.FPoint) bool { return p.T >= from && p.T <= to }) {
			found = append(found, one.Metric)
		}
	}
	return found
}

func (s *store) matrix(r *http.Request) (any, error) {
	s.queries++
	start, end := moment(r, "start"), moment(r, "end")
	seconds, err := strconv.ParseFloat(r.FormValue("step"), 64)
	if err != nil {
		return nil, err
	}
	step := time.Duration(seconds * float64(time.Second))
	if end.Sub(start)/step > 11000 {
		return nil, fmt.Errorf("exceeded maximum resolution of 11,000 points per timeseries")
	}
	q, err := s.engine.NewRangeQuery(r.Context(), s, nil, r.FormValue("query"), start, end, step)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	result := q.Exec(r.Context())
	matrix, err := result.Matrix()
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, one := range matrix {
		var values [][]any
		for _, p := range one.Floats {
			values = append(values, []any{float64(p.T) / 1000, strconv.FormatFloat(p.F, 'f', -1, 64)})
		}
		all = append(all, map[string]any{"metric": one.Metric, "values": values})
	}
	return map[string]any{"resultType": "matrix", "result": all}, nil
}

func (s *store) matching(matchers []*labels.Matcher) []*promql.Series {
	var found []*promql.Series
	for _, one := range s.byName {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Metric.Get(m.Name)) }) {
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(a, b *promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	return found
}

// Querier makes the store a storage.Queryable.
func (s *store) Querier(int64, int64) (storage.Querier, error) { return querier{s}, nil }

type querier struct{ *store }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return &seriesSet{q.matching(matchers), 0}
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type seriesSet struct {
	series []*promql.Series
	next   int
}

func (s *seriesSet) Next() bool                      { s.next++; return s.next <= len(s.series) }
func (s *seriesSet) At() storage.Series              { return stored{s.series[s.next-1]} }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

type stored struct{ *promql.Series }

func (s stored) Labels() labels.Labels { return s.Metric }
func (s stored) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	return promql.NewStorageSeries(*s.Series).Iterator(it)
}
