package knative

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/reading"
)

func TestKPAWorkedExample(t *testing.T) {
	concurrency := func(now time.Duration) lawtest.Totals {
		running := 35.0
		if now > 30*time.Second {
			running = 350
		}
		return lawtest.Totals{reading.Running: running, reading.Waiting: 0}
	}
	got := lawtest.Run{From: 1, Until: 32 * time.Second, Totals: concurrency}.Step(KPA{}.Defaults())
	if diff := cmp.Diff([]lawtest.Change{{At: 32 * time.Second, Replicas: 2}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}
