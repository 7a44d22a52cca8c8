package cluster

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
)

// Whoever waits does so until the reading has begun and all has been read, or until told to stop.
func TestReading(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	r := NewReading()
	if r.AwaitBegin(over) || r.Await(over) {
		t.Error("it has begun before Begin")
	}
	notYet := false
	if err := r.Begin(t.Context(), &informertest.FakeInformers{Synced: &notYet}, &corev1.Pod{}); err != nil {
		t.Fatal(err)
	}
	if !r.AwaitBegin(t.Context()) || r.Await(over) {
		t.Error("it has not begun, or pods have been read that are not")
	}
	all := NewReading()
	yes := true
	if err := all.Begin(t.Context(), &informertest.FakeInformers{Synced: &yes}, &corev1.Pod{}); err != nil {
		t.Fatal(err)
	}
	if !all.Await(t.Context()) {
		t.Error("all has been read, and it still waits")
	}
}
