package promsim_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/promsim"
)

const rulesFile = `
groups:
  - name: g
    interval: 10s
    labels: {from: rule}
    rules:
      - record: double
        expr: x * 2
      - alert: ignored
        expr: x > 1
        for: 5m
        annotations: {summary: none}
      - record: total
        expr: sum(double)
        labels: {kind: sum}
  - name: limited
    interval: 1m
    limit: 1
    rules: [{record: few, expr: x}]
`

// INV-7, and how the series of a rule end (INV-4).
func TestRules(t *testing.T) {
	both(t, func(t *testing.T, engineOnly bool) {
		groups, err := promsim.ParseRules([]byte(rulesFile))
		if err != nil {
			t.Fatal(err)
		}
		groups[0].Phase, groups[1].Phase = 13*time.Second, 14*time.Second
		db := newDB(t, promsim.Config{Queries: []string{"double", "total", "few"}, Groups: groups, EngineOnly: engineOnly})
		a := db.Target(map[string]string{"pod": "a"}, []promsim.Metric{{Name: "x"}})
		b := db.Target(map[string]string{"pod": "b"}, []promsim.Metric{{Name: "x"}})
		scrape(t, a, 0, 1)
		scrape(t, b, 0, 5)
		for _, step := range []struct {
			event  func()
			at     string // all evaluations until then
			next   string
			err    string
			double string
			total  string
			few    string
		}{
			{nil, "2s", "3s", "", `[]`, `[]`, `[]`},
			{nil, "3s", "13s", "", `[{__name__="double", from="rule", pod="a"} 2 {__name__="double", from="rule", pod="b"} 10]`, `[{__name__="total", from="rule", kind="sum"} 12]`, `[]`},
			{func() { b.Fail(5 * time.Second) }, "13s", "14s", "", `[{__name__="double", from="rule", pod="a"} 2]`, `[{__name__="total", from="rule", kind="sum"} 2]`, `[]`},
			{nil, "14s", "23s", "", `[{__name__="double", from="rule", pod="a"} 2]`, `[{__name__="total", from="rule", kind="sum"} 2]`, `[{__name__="few", pod="a"} 1]`},
			// above the limit nothing is written, and nothing ends
			{func() { scrape(t, b, 20*time.Second, 3) }, "74s", "1m23s", "evaluating rule few at 1m14s: exceeded limit of 1 with 2 series",
				`[{__name__="double", from="rule", pod="a"} 2 {__name__="double", from="rule", pod="b"} 6]`, `[{__name__="total", from="rule", kind="sum"} 8]`, `[{__name__="few", pod="a"} 1]`},
			{func() { a.Fail(75 * time.Second); b.Fail(75 * time.Second) }, "83s", "1m33s", "", `[]`, `[]`, `[{__name__="few", pod="a"} 1]`},
			{nil, "134s", "2m23s", "", `[]`, `[]`, `[]`},
		} {
			if step.event != nil {
				step.event()
			}
			at, err := time.ParseDuration(step.at)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Evaluate(t.Context(), at); fmt.Sprint(err) != cmp.Or(step.err, "<nil>") {
				t.Errorf("Evaluate(%v) = %v, want %s", at, err, step.err)
			}
			if next, ok := db.NextEvaluation(); !ok || next.String() != step.next {
				t.Errorf("NextEvaluation() after %v = %v, %v, want %s", at, next, ok, step.next)
			}
			for query, want := range map[string]string{"double": step.double, "total": step.total, "few": step.few} {
				if got, err := db.Vector(t.Context(), query, at); err != nil || fmt.Sprint(got) != want {
					t.Errorf("%s at %v = %v, %v, want %s", query, at, got, err, want)
				}
			}
		}
	})
}

// Two elements that a rule's labels make equal are an error, as in Prometheus.
func TestRuleLabels(t *testing.T) {
	both(t, func(t *testing.T, engineOnly bool) {
		db := newDB(t, promsim.Config{Queries: []string{"y"}, EngineOnly: engineOnly, Groups: []promsim.Group{{Rules: []promsim.Rule{
			{Record: "y", Expr: "x", Labels: map[string]string{"pod": "same"}},
		}}}})
		for i, pod := range []string{"a", "b"} {
			if err := db.Evaluate(t.Context(), time.Duration(i)*time.Minute); err != nil {
				t.Errorf("Evaluate() with %d pods: %v", i, err)
			}
			scrape(t, db.Target(map[string]string{"pod": pod}, []promsim.Metric{{Name: "x"}}), time.Duration(i)*time.Minute+step, 1)
		}
		if err := db.Evaluate(t.Context(), 2*time.Minute); err == nil || !strings.Contains(err.Error(), "same labelset") {
			t.Errorf("Evaluate() with two pods: %v", err)
		}
		if got := value(t, db, "y", 2*time.Minute); got != "1" {
			t.Errorf("y = %s, want what was written before", got)
		}
	})
}

// The rules that config/ installs give the removed names back.
func TestInstalledRules(t *testing.T) {
	file, err := config.Files.ReadFile("prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	groups, err := promsim.ParseRules(file)
	if err != nil {
		t.Fatal(err)
	}
	const query = `max(vllm:gpu_cache_usage_perc{pod="a"})`
	db := newDB(t, promsim.Config{Queries: []string{query}, Groups: groups, Evaluation: step})
	target := db.Target(map[string]string{"pod": "a"}, []promsim.Metric{{Name: "vllm:kv_cache_usage_perc"}, {Name: "vllm:inter_token_latency_seconds_bucket"}})
	if got := len(target.Wanted()); got != 1 {
		t.Errorf("%d metrics are stored, want 1: nobody asks for the other rule", got)
	}
	scrape(t, target, 0, 0.5, 1)
	if err := db.Evaluate(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	if got := value(t, db, query, step); got != "0.5" {
		t.Errorf("%s = %s, want 0.5", query, got)
	}
}

func TestParseRulesRefuses(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"groups: [{name: g, intervall: 5s}]", `unknown field "intervall"`},
		{"groups: [{name: g, interval: 5 seconds}]", "group g: unknown unit"},
		{"groups: 5", "reading recording rules"},
	} {
		if _, err := promsim.ParseRules([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseRules(%s) = %v, want %s", c.file, err, c.want)
		}
	}
}
