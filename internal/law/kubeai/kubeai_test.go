package kubeai

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// INV-1.
func TestKubeAIWorkedExample(t *testing.T) {
	made, err := Spec().Make("", nil)
	if err != nil {
		t.Fatal(err)
	}
	totals := func(time.Duration) lawtest.Totals { return lawtest.Totals{reading.Running: 300, reading.Waiting: 0} }
	got := lawtest.Run{From: 1, Until: 300 * time.Second, Totals: totals}.Step(made.Law)
	if diff := cmp.Diff([]lawtest.Change{{At: 200 * time.Second, Replicas: 2}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}
