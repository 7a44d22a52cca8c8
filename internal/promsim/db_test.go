package promsim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/promsim"
	"github.com/flyball-dev/flyball/internal/reading"
)

const step = 15 * time.Second

func newDB(tb testing.TB, c promsim.Config) *promsim.DB {
	tb.Helper()
	db, err := promsim.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func scrape(tb testing.TB, t *promsim.Target, at time.Duration, values ...float64) {
	tb.Helper()
	if err := t.Scrape(at, values); err != nil {
		tb.Fatal(err)
	}
}

// value is a query's number, or the quality of what is none.
func value(tb testing.TB, db *promsim.DB, query string, at time.Duration) string {
	tb.Helper()
	a, err := db.Query(tb.Context(), query, at)
	if err != nil {
		tb.Fatal(err)
	}
	if a.Reading.At != at || (a.Problem == "") != a.Reading.Usable() {
		tb.Errorf("Query(%q, %v) = %v", query, at, a)
	}
	if a.Reading.Usable() {
		return strconv.FormatFloat(a.Reading.Value, 'g', -1, 64)
	}
	return a.Reading.Quality.String()
}

// both runs a test with and without the shorter way.
func both(t *testing.T, test func(t *testing.T, engineOnly bool)) {
	for _, engineOnly := range []bool{false, true} {
		t.Run(fmt.Sprintf("engine only %v", engineOnly), func(t *testing.T) { test(t, engineOnly) })
	}
}

// INV-4.
func TestStaleness(t *testing.T) {
	both(t, func(t *testing.T, engineOnly bool) {
		const query, health = "x", "up"
		type sight struct{ at, want, up string }
		for _, c := range []struct {
			name   string
			events func(target *promsim.Target)
			want   []sight
		}{
			{"nothing happens: the value stays for the lookback", func(*promsim.Target) {}, []sight{
				{"0s", "7", "1"}, {"299s", "7", "1"}, {"300s", "absent", "absent"},
			}},
			{"a scrape fails", func(target *promsim.Target) { target.Fail(step) }, []sight{{"14s", "7", "1"}, {"15s", "absent", "0"}}},
			{"a scrape lacks the metric", func(target *promsim.Target) { scrape(t, target, step, promsim.Gone(), 1) }, []sight{
				{"14s", "7", "1"}, {"15s", "absent", "1"},
			}},
			{"the target is gone", func(target *promsim.Target) { target.Remove(step, step) }, []sight{
				{"14s", "7", "1"}, {"15s", "7", "1"}, {"31s", "7", "1"}, {"32s", "absent", "absent"},
			}},
			{"it comes back before it is missed", func(target *promsim.Target) {
				target.Remove(step, step)
				scrape(t, target, step+time.Second, 8, 1)
			}, []sight{{"15s", "7", "1"}, {"17s", "8", "1"}, {"32s", "8", "1"}, {"60s", "8", "1"}}},
		} {
			for _, s := range c.want {
				db := newDB(t, promsim.Config{Queries: []string{query, health}, EngineOnly: engineOnly})
				target := db.Target(map[string]string{"pod": "a"}, []promsim.Metric{{Name: "x"}, {Name: "y"}})
				scrape(t, target, 0, 7, 1)
				c.events(target)
				at, err := time.ParseDuration(s.at)
				if err != nil {
					t.Fatal(err)
				}
				if got := (sight{s.at, value(t, db, query, at), value(t, db, health, at)}); got != s {
					t.Errorf("%s: at, value, up = %v, want %v", c.name, got, s)
				}
			}
		}
	})
}

// INV-5: what KEDA's own code makes of the response, as Prometheus encodes it.
func TestAnswer(t *testing.T) {
	both(t, func(t *testing.T, engineOnly bool) {
		for _, c := range []struct {
			query, response string
			want            reading.Quality
		}{
			{`sum(x)`, `{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}`, reading.Fresh},
			{`sum(none)`, `{"resultType":"vector","result":[]}`, reading.Absent},
			{`x`, `{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"1"]},{"metric":{"pod":"b"},"value":[1,"2"]}]}`, reading.Contradictory},
			{`sum(x) / 0`, `{"resultType":"vector","result":[{"metric":{},"value":[1,"+Inf"]}]}`, reading.Invalid},
			{`sum(x - x) / 0`, `{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}`, reading.Invalid},
			{`scalar(sum(x))`, `{"resultType":"scalar","result":[1,"3"]}`, reading.Invalid},
			{`"text"`, `{"resultType":"string","result":[1,"text"]}`, reading.Invalid},
			{`x{pod="a"}[1m]`, `{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]}]}`, reading.Absent},
			{`x[1m]`, `{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]},{"metric":{},"values":[[1,"1"]]}]}`, reading.Contradictory},
			{`x * on () x`, ``, reading.Invalid}, // refused with status 422
		} {
			db := newDB(t, promsim.Config{Queries: []string{c.query}, EngineOnly: engineOnly})
			for i, pod := range []string{"a", "b"} {
				scrape(t, db.Target(map[string]string{"pod": pod}, []promsim.Metric{{Name: "x"}}), 0, float64(i+1))
			}
			a, err := db.Query(t.Context(), c.query, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if a.Reading.Quality != c.want || a.Reading.At != time.Second {
				t.Errorf("Query(%s) = %v, want %v", c.query, a, c.want)
			}
			v, null, problem := kedaReads(c.query, c.response)
			if null != a.Reading.Null() || (problem == "") != a.Reading.Usable() || a.Reading.Usable() && v != a.Reading.Value {
				t.Errorf("Query(%s) = %v; KEDA: %v, null %v, %s", c.query, a, v, null, problem)
			}
			if c.want != reading.Invalid && a.Problem != problem {
				t.Errorf("Query(%s): problem %q, KEDA's %q", c.query, a.Problem, problem)
			}
		}
	})
}

// kedaReads is ExecutePromQuery of keda/v2@v2.21.0/pkg/scalers/prometheus_scaler.go
// from the response on. null is what ignoreNullValues is about.
func kedaReads(query, data string) (v float64, null bool, problem string) {
	if data == "" {
		return -1, false, "status"
	}
	var result struct {
		Data struct {
			Result []struct {
				Metric struct{} `json:"metric"`
				Value  []any    `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(`{"data":`+data+`}`), &result); err != nil {
		return -1, false, err.Error()
	}
	const lost = "prometheus metrics 'prometheus' target may be lost, "
	switch r := result.Data.Result; {
	case len(r) == 0:
		return 0, true, lost + "the result is empty"
	case len(r) > 1:
		return -1, false, fmt.Sprintf("prometheus query %s returned multiple elements", query)
	case len(r[0].Value) == 0:
		return 0, true, lost + "the value list is empty"
	default:
		v, err := strconv.ParseFloat(r[0].Value[1].(string), 64)
		if err != nil {
			return -1, false, err.Error()
		}
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return v, true, fmt.Sprintf("prometheus query returns %f", v)
		}
		return v, false, ""
	}
}

// KEDA asks at whole seconds (time.RFC3339), Vector at the time given.
func TestWholeSeconds(t *testing.T) {
	both(t, func(t *testing.T, engineOnly bool) {
		db := newDB(t, promsim.Config{Queries: []string{"x"}, EngineOnly: engineOnly})
		target := db.Target(nil, []promsim.Metric{{Name: "x"}})
		scrape(t, target, 0, 1)
		scrape(t, target, 1500*time.Millisecond, 2)
		if got := value(t, db, "x", 1900*time.Millisecond) + value(t, db, "x", 2*time.Second); got != "12" {
			t.Errorf("Query at 1.9 s and at 2 s = %s, want 1 and 2", got)
		}
		got, err := db.Vector(t.Context(), "x", 2*time.Second)
		if err != nil || len(got) != 1 || got[0].String() != `{__name__="x"} 2` {
			t.Errorf("Vector() = %v, %v", got, err)
		}
	})
}

// INV-3: with samples each second the store has to forget all the time.
func TestForgets(t *testing.T) {
	for _, query := range []string{
		"rate(x[1m])", "count_over_time(x[2m] offset 30s)", "x offset 1m", "count_over_time(x[45s:1s] offset 10s)",
		"max_over_time(rate(x[30s])[1m:5s])", "count_over_time(x[10s] offset -5s)", "x @ 1767225600", "sum_over_time(x[20s] @ start())",
	} {
		db := newDB(t, promsim.Config{Queries: []string{query}, Lookback: 20 * time.Second})
		all := newDB(t, promsim.Config{Queries: []string{query, "x @ 1767225600"}, Lookback: 20 * time.Second}) // the start: forgets nothing
		metrics := []promsim.Metric{{Name: "x"}}
		a, b := db.Target(nil, metrics), all.Target(nil, metrics)
		for i := range 400 {
			at := time.Duration(i) * time.Second
			scrape(t, a, at, float64(i*i))
			scrape(t, b, at, float64(i*i))
			if got, want := value(t, db, query, at), value(t, all, query, at); got != want {
				t.Fatalf("%s at %v: %s, with all samples %s", query, at, got, want)
			}
		}
	}
}

// INV-6.
func TestNeeds(t *testing.T) {
	db := newDB(t, promsim.Config{
		Queries: []string{`sum(a{x="1"}) / sum(rate(b_total[1m]))`, `{__name__=~"c_.*", __name__!="c_no"}`, "recorded"},
		Groups: []promsim.Group{{Name: "g", Rules: []promsim.Rule{
			{Record: "middle", Expr: "source"}, {Record: "recorded", Expr: "middle"}, {Record: "nobody_asks", Expr: "hidden"},
		}}},
	})
	var metrics []promsim.Metric
	for _, name := range []string{"a", "b_total", "b", "c_yes", "c_no", "recorded", "middle", "source", "hidden", "nobody_asks", "up"} {
		metrics = append(metrics, promsim.Metric{Name: name})
	}
	want := []int{0, 1, 3, 5, 6, 7}
	for i, m := range metrics {
		if got := db.Needs(m.Name); got != slices.Contains(want, i) {
			t.Errorf("Needs(%q) = %v", m.Name, got)
		}
	}
	if got := db.Target(nil, metrics).Wanted(); !slices.Equal(got, want) {
		t.Errorf("Wanted() = %v, want %v", got, want)
	}
}

// Labels in the way of the target's are kept as exported_….
func TestTargetLabels(t *testing.T) {
	db := newDB(t, promsim.Config{Queries: []string{"x"}})
	target := db.Target(map[string]string{"pod": "p", "namespace": "n"}, []promsim.Metric{
		{Name: "x", Labels: map[string]string{"pod": "own", "exported_pod": "taken", "le": "1"}},
	})
	scrape(t, target, 0, 1)
	got, err := db.Vector(t.Context(), "x", 0)
	want := `[{__name__="x", exported_exported_pod="own", exported_pod="taken", le="1", namespace="n", pod="p"} 1]`
	if err != nil || fmt.Sprint(got) != want || got[0].Label("pod") != "p" {
		t.Errorf("Vector() = %v, %v, want %s", got, err, want)
	}
	if err := target.Scrape(0, nil); err == nil {
		t.Error("Scrape() with no value for a metric is no error")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name       string
		config     promsim.Config
		want, hint string
	}{
		{"a query that does not parse", promsim.Config{Queries: []string{"sum(rate(x))"}}, `parsing query "sum(rate(x))": 1:10: parse error: expected type range vector`, "x_total[1m]"},
		{"an empty query", promsim.Config{Queries: []string{" "}}, "the query is empty", "PromQL"},
		{"a rule's expression", promsim.Config{Groups: []promsim.Group{{Name: "g", Rules: []promsim.Rule{{Record: "r", Expr: "sum("}}}}}, "rule group g: rule r: parsing query", "bracket"},
		{"a rule of a range", promsim.Config{Groups: []promsim.Group{{Rules: []promsim.Rule{{Record: "r", Expr: "x[1m]"}}}}}, "its expression is a matrix", ""},
		{"a rule without a name", promsim.Config{Groups: []promsim.Group{{Rules: []promsim.Rule{{Expr: "x"}}}}}, "no name for a metric", "record"},
		{"a label", promsim.Config{Groups: []promsim.Group{{Rules: []promsim.Rule{{Record: "r", Expr: "x", Labels: map[string]string{"__name__": "y"}}}}}}, "no name for a label", ""},
		{"an interval", promsim.Config{Groups: []promsim.Group{{Name: "g", Interval: -1}}}, "must be positive", ""},
		{"a lookback", promsim.Config{Lookback: -1}, "must be positive", ""},
	} {
		_, err := promsim.New(c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(strings.Join(hint.Of(err), "\n"), c.hint) {
			t.Errorf("%s: %v, hint %q; want %q, hint %q", c.name, err, hint.Of(err), c.want, c.hint)
		}
	}
	if _, err := newDB(t, promsim.Config{}).Query(t.Context(), "x", 0); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("Query() of an unknown query: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		query             string
		single, defaulted bool
	}{
		{`sum(x)`, true, false},
		{`x`, false, false},
		{`sum by (pod) (x)`, false, false},
		{`sum by (pod) (sum(x))`, true, false},
		{`topk(1, x)`, false, false},
		{`sum(x) or vector(0)`, true, true},
		{`x or vector(0)`, false, true},
		{`(sum(x) or vector(0)) * 2`, true, true},
		{`sum(x or vector(0))`, true, true},
		{`sum(x) / count(y)`, true, false},
		{`sum(x) > 3`, true, false},
		{`x and sum(y)`, false, false},
		{`sum(x) and y`, true, false},
		{`histogram_quantile(0.9, sum by (le) (rate(x_bucket[1m])))`, true, false},
		{`histogram_quantile(0.9, rate(x_bucket[1m]))`, false, false},
		{`histogram_quantile(0.9, sum by (le, pod) (rate(x_bucket[1m])))`, false, false},
		{`ceil(sum(x))`, true, false},
		{`-sum(x)`, true, false},
		{`absent(x)`, true, false},
		{`scalar(x)`, true, true},
		{`max_over_time(sum(x)[5m:])`, false, false},
	} {
		e, err := promsim.Parse(c.query)
		if err != nil || e.Single != c.single || e.Defaulted != c.defaulted {
			t.Errorf("Parse(%s): single %v, defaulted %v, %v; want %v, %v", c.query, e.Single, e.Defaulted, err, c.single, c.defaulted)
		}
	}
	e, err := promsim.Parse(`histogram_quantile(0.9, sum by (le) (rate(x_bucket{a="1",b!~"2|3"}[5m] offset 30s))) > {__name__=~"y.+"}`)
	want := promsim.Expression{
		Text: e.Text, Type: "vector",
		Selectors: []promsim.Selector{
			{
				Name: "x_bucket", Matchers: []promsim.Matcher{{"a", "=", "1"}, {"b", "!~", "2|3"}},
				Range: 5 * time.Minute, Offset: 30 * time.Second, Within: []string{"histogram_quantile", "sum", "rate"},
			},
			{Matchers: []promsim.Matcher{{"__name__", "=~", "y.+"}}},
		},
	}
	want.Single = true // of one on the left
	if diff := cmp.Diff(want, e); diff != "" || err != nil {
		t.Errorf("Parse(): %v, -want +got\n%s", err, diff)
	}
}

// Each parse error says where and what to do.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ query, want, hint string }{
		{`sum(x`, "1:6: parse error: unclosed left parenthesis", "closing bracket"},
		{`rate(x)`, "1:6: parse error: expected type range vector", "[1m]"},
		{`sum(x[1m])`, "1:5: parse error: expected type instant vector", "leave out the range"},
		{`summ(x)`, "1:1: parse error: unknown function", "no function of that name"},
		{`{}`, "1:1: parse error: vector selector must contain", "name the metric"},
		{`x{a=b}`, "1:5: parse error: unexpected identifier", "with quotes"},
		{`x{a="b}`, "1:5: parse error: unterminated quoted string", "closing quote"},
		{`rate(x[5minutes])`, "parse error", "30s, 5m"},
		{`sum(x) sum(y)`, "1:8: parse error: unexpected <aggr:sum>", `look before "sum(y)"`},
		{`sum(x) +`, "1:9: parse error: unexpected end of input", "missing at the end"},
	} {
		_, err := promsim.Parse(c.query)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(strings.Join(hint.Of(err), "\n"), c.hint) {
			t.Errorf("Parse(%s): %v, hints %q; want %q, hint %q", c.query, err, hint.Of(err), c.want, c.hint)
		}
	}
	if _, err := promsim.Parse(""); err == nil || errors.Unwrap(err) == nil {
		t.Errorf("Parse of nothing: %v", err)
	}
}
