package reference

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
)

// INV-1.
func TestStaticWorkedExample(t *testing.T) {
	_, got := Static{8}.Step(nil, lawtest.See(0, 3, nil))
	want := law.Output{Replicas: 8, Next: time.Hour, Reasons: []law.Reason{
		{Rule: law.RuleStatic, From: 3, To: 8, Terms: []law.Term{law.Replicas(law.TermReplicas, 8)}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Step: -want +got\n%s", diff)
	}
}

func TestOracleWorkedExample(t *testing.T) {
	o := Oracle{
		ColdStart: 2 * time.Minute,
		Needed:    []Level{{0, 2}, {5 * time.Minute, 6}, {8 * time.Minute, 1}},
	}
	none := func(time.Duration) lawtest.Totals { return nil }
	got := lawtest.Run{From: 2, Until: time.Hour, Totals: none}.Step(o)
	if diff := cmp.Diff([]lawtest.Change{{At: 3 * time.Minute, Replicas: 6}, {At: 8 * time.Minute, Replicas: 1}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}
