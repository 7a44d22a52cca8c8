package cluster

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Reading is the first of some kinds of objects, which may be served later.
type Reading struct {
	begun  chan struct{}
	synced []toolscache.InformerSynced
}

// NewReading has not begun.
func NewReading() *Reading { return &Reading{begun: make(chan struct{})} }

// Begin has a cache read kinds of objects whose indexes have been added. It does not wait, and is
// called once.
func (r *Reading) Begin(ctx context.Context, into cache.Informers, kinds ...client.Object) error {
	for _, kind := range kinds {
		i, err := into.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("reading %T: %w", kind, err)
		}
		r.synced = append(r.synced, i.HasSynced)
	}
	close(r.begun)
	return nil
}

// Begun is closed once it has.
func (r *Reading) Begun() <-chan struct{} { return r.begun }

// AwaitBegin returns once it has; false if the context ends before.
func (r *Reading) AwaitBegin(ctx context.Context) bool {
	select {
	case <-r.begun:
		return true
	case <-ctx.Done():
		return false
	}
}

// Await returns once all has been read; false if the context ends before.
func (r *Reading) Await(ctx context.Context) bool {
	return r.AwaitBegin(ctx) && toolscache.WaitForCacheSync(ctx.Done(), r.synced...)
}
