package aibrix

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// wants steps what a text asks for once.
func wants(t *testing.T, of spec.Spec, pairs string, in law.Input, want int) {
	t.Helper()
	made, err := of.Make(pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, out := made.Law.Step(nil, in); out.Replicas != want {
		t.Errorf("%s:%s: %+v, want %d replicas", of.Name, pairs, out, want)
	}
}

func usage(pods int, kv float64) law.Input {
	return lawtest.PerPod(lawtest.See(0, pods, nil), lawtest.Totals{reading.KVUsage: kv})
}

func TestAPAWorkedExample(t *testing.T) {
	wants(t, APASpec(), "", usage(4, 0.7), 6)
	wants(t, APASpec(), "", usage(4, 0.1), 2)
}

func TestKPAWorkedExample(t *testing.T) {
	wants(t, KPASpec(), "", usage(4, 0.7), 2)
	wants(t, KPASpec(), "as=intended", usage(4, 0.7), 6)
}

// INV-1: as coded the window makes a fall follow the lowest wish.
func TestWindow(t *testing.T) {
	for pairs, want := range map[string]int{"stable=10s": 4, "stable=10s,as=intended": 6} {
		made, err := APASpec().Make(pairs, nil)
		if err != nil {
			t.Fatal(err)
		}
		var state law.State
		var out law.Output
		for i, kv := range []float64{0.1, 0.35} {
			in := usage(8, kv)
			in.Now = time.Duration(i) * 10 * time.Second
			state, out = made.Law.Step(state, in)
		}
		if out.Replicas != want {
			t.Errorf("%s after wishes for 4 and 6 of 8: %+v, want %d", pairs, out, want)
		}
	}
}
