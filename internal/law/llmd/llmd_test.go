package llmd

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// wants steps what a text asks for once, and what an HPA follows rather than the HPA.
func wants(t *testing.T, of spec.Spec, pairs string, in law.Input, want int) {
	t.Helper()
	made, err := of.Make(pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, out := inner(made.Law).Step(nil, in); out.Replicas != want {
		t.Errorf("%s:%s: %+v, want %d replicas", of.Name, pairs, out, want)
	}
}

// inner is what an HPA follows, or the law itself.
func inner(l law.Law) law.Law {
	if r, ok := l.(hpa.Relay[SLO, SLOState]); ok {
		return r.Law
	}
	return l
}

// INV-1.
func TestSLOWorkedExample(t *testing.T) {
	in := lawtest.See(time.Minute, 4, lawtest.Totals{reading.RouterTTFTp90: 3.3, reading.RouterTPOTp90: 0.02})
	in.Fleet.Ready, in.Fleet.Starting = 3, 1
	wants(t, SLOSpec(), "min=3,max=8", in, 6)
}

// TestSLOBehindTheHPA: the HPA holds a rise to the least of 30 s.
func TestSLOBehindTheHPA(t *testing.T) {
	made, err := SLOSpec().Make("min=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	late := func(now time.Duration) lawtest.Totals {
		ttft := 1.4 // in the band
		if now >= 60*time.Second {
			ttft = 6
		}
		return lawtest.Totals{reading.RouterTTFTp90: ttft, reading.RouterTPOTp90: 0}
	}
	// At 60 s the signal is the mean of three samples, (0.47+0.47+2)/3 = 0.98 → 6 of 3, at
	// 75 s 1.49 → 9, clamped to 8. 30 s after the last 3 the least proposal is 6; then 8,
	// of which the policy allows 3 + 4 within 60 s.
	got := lawtest.Run{From: 3, Until: 90 * time.Second, Totals: late}.Step(made.Law)
	if diff := cmp.Diff([]lawtest.Change{{At: 75 * time.Second, Replicas: 6}, {At: 90 * time.Second, Replicas: 7}}, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}

func TestQueueWorkedExample(t *testing.T) {
	in := lawtest.See(15*time.Second, 2, lawtest.Totals{reading.Held: 3, reading.Sent: 40})
	wants(t, QueueSpec(), "up-window=0s", in, 3)
	wants(t, QueueSpec(), "", in, 2)
}

func TestTokensWorkedExample(t *testing.T) {
	in := lawtest.See(15*time.Second, 1, lawtest.Totals{reading.Prefills: 60_000, reading.KVUsageSum: 0.9})
	wants(t, TokensSpec(), "up-pods=8", in, 3)
	wants(t, TokensSpec(), "", in, 2)
}
