package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"
)

// ours are the metrics that docs/metrics.md lists, and those of others that are used.
func ours(t *testing.T) []string {
	t.Helper()
	names := []string{"up", "leader_election_master_status", "apiserver_admission_webhook_fail_open_count"}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(page(t, "metrics.md"), -1) {
		names = append(names, m[1], m[1]+"_bucket", m[1]+"_sum", m[1]+"_count")
	}
	return names
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkQuery: it parses, and asks for nothing that nobody says.
func checkQuery(t *testing.T, query string, known []string) {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok && !slices.Contains(known, s.Name) && !strings.HasPrefix(s.Name, "vllm:") {
			t.Errorf("%s: no metric %s in docs/metrics.md", query, s.Name)
		}
		return nil
	})
}

// Each alert asks for what there is, and leads to its section of the runbook; there is no
// section for another.
func TestAlerts(t *testing.T) {
	var plain struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	load(t, "monitoring/alerts.yaml", &plain)
	var alerts []string
	known := ours(t)
	for _, r := range plain.Groups[0].Rules {
		alerts = append(alerts, r.Alert)
		checkQuery(t, r.Expr, known)
		url := "https://github.com/flyball-dev/flyball/blob/main/docs/runbook.md#" + strings.ToLower(r.Alert)
		if r.Annotations["runbook_url"] != url || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: annotations = %v, want summary, description and %s", r.Alert, r.Annotations, url)
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q, want critical or warning", r.Alert, s)
		}
	}
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page(t, "runbook.md"), -1) {
		sections = append(sections, m[1])
	}
	if diff := cmp.Diff(alerts, sections); diff != "" {
		t.Errorf("docs/runbook.md: -alerts +sections\n%s", diff)
	}
}

// Each query of each panel parses and asks for what there is.
func TestDashboards(t *testing.T) {
	known := ours(t)
	files, err := Files.ReadDir("monitoring/dashboards")
	if err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, f := range files {
		var board struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		load(t, "monitoring/dashboards/"+f.Name(), &board)
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				checkQuery(t, q.Expr, known)
				queries++
			}
		}
	}
	if len(files) == 0 || queries == 0 {
		t.Errorf("%d dashboards with %d queries, want some", len(files), queries)
	}
}
