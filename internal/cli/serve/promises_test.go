package serve

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/pilot"
)

// INV-4: of services that others decide on, or that promise nothing, there is nothing.
func TestPromises(t *testing.T) {
	outlook := law.Reason{Rule: law.RuleOutlook, Terms: []law.Term{law.Known(law.TermExpected, .03, law.UnitShare)}}
	book := pilot.NewBook()
	book.Copy(map[pilot.Service]pilot.Answer{
		{Namespace: "demo", Name: "llama"}:  {Replicas: 3, Reasons: []law.Reason{outlook}, Kept: law.Counted{Promised: .95, Requests: 200, Missed: 4}},
		{Namespace: "demo", Name: "new"}:    {Replicas: 1, Kept: law.Counted{Promised: .9}},
		{Namespace: "demo", Name: "copied"}: {Replicas: 2, Reasons: []law.Reason{outlook}},
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(promises{book})
	got := map[string]map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		got[strings.TrimPrefix(f.GetName(), "flyball_scaler_")] = map[string]float64{}
		for _, m := range f.GetMetric() {
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			got[strings.TrimPrefix(f.GetName(), "flyball_scaler_")][m.GetLabel()[1].GetValue()] = value
		}
	}
	want := map[string]map[string]float64{
		"promised_ratio": {"llama": .95, "new": .9}, "expected_ratio": {"llama": .97}, "desired_replicas": {"llama": 3, "new": 1},
		"requests_total": {"llama": 200, "new": 0}, "missed_requests_total": {"llama": 4, "new": 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
