package kthena

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

func waiting(each float64) law.Input {
	return lawtest.PerPod(lawtest.See(0, 2, nil), lawtest.Totals{reading.Waiting: each})
}

func TestKthenaWorkedExample(t *testing.T) {
	wants(t, Spec(), "", waiting(15), 3)
	wants(t, Spec(), "", waiting(40), 8)
	wants(t, Spec(), "panic=0", waiting(40), 4)
}

// INV-1.
func TestPanicHolds(t *testing.T) {
	made, err := Spec().Make("panic-hold=60s", nil)
	if err != nil {
		t.Fatal(err)
	}
	state, out := made.Law.Step(nil, waiting(40))
	for _, at := range []time.Duration{15, 30, 45, 60} {
		in := lawtest.PerPod(lawtest.See(at*time.Second, out.Replicas, nil), lawtest.Totals{reading.Waiting: 0})
		if state, out = made.Law.Step(state, in); out.Replicas != 8 {
			t.Errorf("at %d s, in the panic, with nothing waiting: %+v, want 8 still", at, out)
		}
	}
}
