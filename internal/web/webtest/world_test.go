package webtest

import (
	"encoding/json"
	"testing"
)

// INV-1. The load moves, some service is broken, and no node holds more than it has.
func TestLook(t *testing.T) {
	w := World{Services: 12}
	moved, held := false, map[string]int{}
	for i := 0; i < 100; i += 10 {
		one, err := w.Look(i)
		if err != nil {
			t.Fatal(err)
		}
		two, err := w.Look(i)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := json.Marshal(one)
		b, errB := json.Marshal(two)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("look %d made twice differs", i)
		}
		clear(held)
		for _, h := range one.Holders {
			moved = moved || h.State == "starting"
			if held[h.Node] += h.GPUs; held[h.Node] > gpusPerNode {
				t.Fatalf("look %d: node %s holds more than it has", i, h.Node)
			}
		}
	}
	if !moved {
		t.Error("nothing scales up in any look")
	}
}
