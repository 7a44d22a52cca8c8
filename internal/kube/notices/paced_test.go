package notices

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
)

// INV-3: of thousands of Events said at once all are emitted, in order, and in no second more than
// the API server is to be asked; who says them does not wait.
func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 10_000
		fake := events.NewFakeRecorder(all)
		p := newPaced(fake)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := p.Start(ctx); err != nil {
				t.Error(err)
			}
		}()
		for i := range all {
			p.Eventf(&corev1.Pod{}, nil, corev1.EventTypeNormal, "Said", "Reconcile", "%d", i)
		}
		began := time.Now()
		for i := range all {
			if got, want := <-fake.Events, fmt.Sprintf("Normal Said %d", i); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
			if took := time.Since(began); i > burst && took < time.Duration(i-burst)*time.Second/perSecond {
				t.Fatalf("%d Events within %v", i, took)
			}
		}
		if took := time.Since(began); took > (all/perSecond+1)*time.Second {
			t.Errorf("all within %v, want %d in a second", took, perSecond)
		}
		cancel()
		synctest.Wait()
	})
}

// INV-3: what nobody emits fills the queue, and no more.
func TestPacedFull(t *testing.T) {
	p := newPaced(nil)
	for range waiting + 1 {
		p.Eventf(&corev1.Pod{}, nil, corev1.EventTypeNormal, "Said", "Reconcile", "more")
	}
	if len(p.queue) != waiting {
		t.Errorf("%d wait, want %d", len(p.queue), waiting)
	}
}
