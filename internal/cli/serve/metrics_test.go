package serve

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/gateway"
	"github.com/flyball-dev/flyball/internal/gateway/tenant"
	"github.com/flyball-dev/flyball/internal/kube/meter"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/scaler"
)

var rewrite = flag.Bool("rewrite", false, "write the tables in docs/metrics.md again")

// exported are the descriptions of all that each server registers.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	ofController, ofGateway, ofScaler := prometheus.NewRegistry(), prometheus.NewRegistry(), prometheus.NewRegistry()
	if _, err := meter.New(ofController); err != nil {
		t.Fatal(err)
	}
	if err := meter.AddCertificate(ofController, func() (time.Time, error) { return time.Time{}, nil }); err != nil {
		t.Fatal(err)
	}
	if err := meter.AddDrainWebhook(ofController, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	c := gateway.Config{Name: "a", Tenants: &tenant.Checker{}, Registry: ofGateway, Log: slog.New(slog.DiscardHandler)}
	c.Hold, c.Limits, c.Wakes = gateway.Defaults()
	if _, err := gateway.New(c); err != nil {
		t.Fatal(err)
	}
	if _, err := scaler.New(scaler.Config{Address: ":0", Certificates: ".", Registry: ofScaler}); err != nil {
		t.Fatal(err)
	}
	if err := (&recording{folder: t.TempDir()}).open(ofScaler, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ofScaler.MustRegister(promises{pilot.NewBook()})
	return map[string][]string{
		"controller": described(t, ofController), "gateway": described(t, ofGateway), "scaler": described(t, ofScaler),
	}
}

// described is a row of a table for each metric of a registry.
func described(t *testing.T, r *prometheus.Registry) []string {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		r.Describe(descs)
		close(descs)
	}()
	parts := regexp.MustCompile(`fqName: "([^"]*)", help: "([^"]*)".*, constLabels: {}, variableLabels: {([^}]*)}`)
	var rows []string
	for d := range descs {
		m := parts.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("%s is not understood", d)
		}
		labels := "–"
		if m[3] != "" {
			labels = "`" + strings.Join(strings.Split(m[3], ","), "`, `") + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", m[1], labels, m[2]))
	}
	slices.SortFunc(rows, cmp.Compare[string])
	return rows
}

// INV-4.
func TestMetricsPage(t *testing.T) {
	const page = "../../../docs/metrics.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, rows := range exported(t) {
		table := regexp.MustCompile(`(?s)(<!-- ` + name + ` -->\n).*?(<!-- end -->)`)
		if !table.MatchString(want) {
			t.Fatalf("%s has no table %s", page, name)
		}
		want = table.ReplaceAllLiteralString(want, "<!-- "+name+" -->\n| metric | labels | |\n|---|---|---|\n"+strings.Join(rows, "\n")+"\n<!-- end -->")
	}
	switch {
	case *rewrite:
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	case want != string(text):
		t.Errorf("%s is out of date: make generate", page)
	}
}
