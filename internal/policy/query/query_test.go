package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/query"
)

// INV-1: also in a range, a subquery and behind an operator, and as __name__.
func TestSelectors(t *testing.T) {
	const text = `sum(rate(a[1m])) / max_over_time(sum({__name__="b:c"})[5m:1m]) > on() {__name__=~"d.*",x="y"}`
	e, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range query.Selectors(e) {
		got = append(got, query.Series(s))
	}
	if diff := cmp.Diff([]string{"a", "b:c", ""}, got); diff != "" {
		t.Errorf("Selectors(%s): -want +got\n%s", text, diff)
	}
	if _, err := query.Parse("sum("); err == nil {
		t.Error("Parse(sum() succeeded")
	}
}

func TestRecorded(t *testing.T) {
	docs, err := manifest.Read(manifest.File{Name: "x", Text: []byte(`kind: PrometheusRule
spec: {groups: [{rules: [{record: a, expr: b}, {alert: c, expr: d}]}, {rules: [{record: e:f, expr: g}]}]}
---
kind: Other
spec: {groups: [{rules: [{record: h}]}]}
`)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "e:f": true}, query.Recorded(docs)); diff != "" {
		t.Errorf("Recorded: -want +got\n%s", diff)
	}
}
