package history_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/history"
)

func stale() float64 { return math.Float64frombits(value.StaleNaN) }

// What is no answer of a Prometheus is an error with a hint, and never a panic.
func TestHostileAnswers(t *testing.T) {
	s := newStore(t)
	s.now = time.Hour
	s.scrape("a", 15*time.Second, pod{service: "llama", until: s.now, arrived: steadily(2)})
	const (
		instant, labels, ranges = "/api/v1/query", "/api/v1/series", "/api/v1/query_range"
		ok                      = `{"status":"success","data":%s}`
	)
	for _, c := range []struct {
		path, query string // what the query contains
		status      int
		body, want  string
	}{
		{instant, "", 200, "<html>", "asking Prometheus"},
		{instant, "", 401, "who are you", "401"},
		{instant, "", 302, "", "302"},
		{instant, "", 200, `{}`, "asking Prometheus"},
		{instant, "", 200, fmt.Sprintf(ok, `{"resultType":"vector","result":[]}`), "no time"},
		{instant, "", 200, fmt.Sprintf(ok, `{"resultType":"scalar","result":[1,"NaN"]}`), "no time"},
		{instant, "", 200, fmt.Sprintf(ok, `{"resultType":"scalar","result":[1,"1e300"]}`), "no time"},
		{labels, "", 200, fmt.Sprintf(ok, `7`), "asking Prometheus"},
		{ranges, "", 422, `{"status":"error","errorType":"execution","error":"too many samples"}`, "too many samples"},
		{ranges, "", 200, fmt.Sprintf(ok, `null`), "asking Prometheus"},
		{ranges, "", 200, `{"status":"success"}`, "asking Prometheus"},
		{ranges, "", 200, fmt.Sprintf(ok, `{"resultType":"vector","result":[]}`), "no matrix"},
		{ranges, "", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[null]}`), "no matrix"},
		{ranges, "count_over_time", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[]}`), "fewer than two samples"},
		{ranges, "rate(", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[]}`), "no data of"},
		{ranges, "rate(", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[{"metric":{},"values":[[-9000000000000,"1"],[9000000000000,"1"],[1772370000,"NaN"],[1772370000,"+Inf"]]}]}`), "no data of"},
		{ranges, "_bucket", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[]}`), "no request has ended"},
		{ranges, "_bucket", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[{"metric":{},"values":[[1772370000,"1"]]}]}`), `le=""`},
		{ranges, "_bucket", 200, fmt.Sprintf(ok, `{"resultType":"matrix","result":[{"metric":{"le":"NaN"},"values":[[1772370000,"1"]]}]}`), `le="NaN"`},
	} {
		client := dial(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == c.path && strings.Contains(r.FormValue("query"), c.query) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return
			}
			s.ServeHTTP(w, r)
		}))
		_, err := history.Read(t.Context(), client, "", time.Hour)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(hint.Of(err)) == 0 {
			t.Errorf("%s %s %s: Read = %v, hints %q, want %q", c.path, c.query, c.body, err, hint.Of(err), c.want)
		}
	}
}

// Rates and lengths that cannot be are refused by the workload.
func TestHostileHistory(t *testing.T) {
	good := history.History{Service: "demo/llama", Step: time.Minute, PerSecond: []float64{1}}
	for _, change := range []func(*history.History){
		func(*history.History) {}, // no lengths
		func(h *history.History) { h.PerSecond = []float64{math.Inf(1)} },
		func(h *history.History) { h.PerSecond = nil },
	} {
		h := good
		change(&h)
		if _, err := h.Workload(); err == nil {
			t.Errorf("%v.Workload() succeeded", h.PerSecond)
		}
	}
}
