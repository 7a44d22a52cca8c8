package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/gateway"
	"github.com/flyball-dev/flyball/internal/kube"
)

// What pods have to do is read as it is written.
func TestReportsNamePods(t *testing.T) {
	r, c := reporting(t)
	r.tell(gateway.Report{Gateway: "a", Services: []gateway.Demand{{
		Namespace: "demo", Name: "llama", InFlight: 3, Pods: []gateway.Load{{Name: "llama-1", InFlight: 3, WorkTokens: 900, RemainingMs: 6000, PrefixTokens: 5000}},
	}}})
	r.Wait()
	want := []kube.ReportItem{{
		Namespace: "demo", Name: "llama", Work: kube.Work{InFlight: 3}, Pods: []kube.PodWork{{Name: "llama-1", InFlight: 3, WorkTokens: 900, RemainingMs: 6000, PrefixTokens: 5000}},
	}}
	if diff := cmp.Diff(want, c.told[0].Services); diff != "" {
		t.Errorf("told: -want +got\n%s", diff)
	}
}
