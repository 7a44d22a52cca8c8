package follow

import (
	"context"
	"errors"
	"testing"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// held is somebody's lease.
type held struct{ resourcelock.Interface }

func (held) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return &resourcelock.LeaderElectionRecord{HolderIdentity: "10.0.0.2:9445"}, nil, nil
}

// INV-5: until it is ready a replica does not ask, and one that is told to stop waits no longer.
func TestPatient(t *testing.T) {
	ready := make(chan struct{})
	p := Patient{held{}, ready}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, _, err := p.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("before it is ready: %v, %v, want that it has been told to stop", r, err)
	}
	close(ready)
	if r, _, err := p.Get(t.Context()); err != nil || r.HolderIdentity != "10.0.0.2:9445" {
		t.Errorf("once it is ready: %v, %v", r, err)
	}
}
