package follow

import (
	"context"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// A Patient lease is asked for by a replica that is ready to lead, and not before: one that
// has yet to read thousands of objects has no time to renew it.
type Patient struct {
	resourcelock.Interface
	Ready <-chan struct{}
}

// Get waits until this replica is ready. Every election begins with it.
func (p Patient) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	select {
	case <-p.Ready:
		return p.Interface.Get(ctx)
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}
