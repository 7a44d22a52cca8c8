package skyserve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// INV-1.
func TestSkyServeWorkedExample(t *testing.T) {
	made, err := Spec().Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	totals := func(time.Duration) lawtest.Totals { return lawtest.Totals{reading.Arrivals: 3} }
	got := lawtest.Run{From: 1, Until: 10 * time.Minute, Totals: totals}.Step(made.Law)
	if diff := cmp.Diff([]lawtest.Change{{At: 280 * time.Second, Replicas: 3}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}
