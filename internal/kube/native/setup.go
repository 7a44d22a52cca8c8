package native

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// atOnce is how many scales are written at the same time: one that is slow holds up no other.
const atOnce = 8

// Setup has the replica that leads write.
func (s *Scales) Setup(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).Named(subresource).
		WatchesRawSource(source.Func(s.follow)).WithOptions(controller.Options{MaxConcurrentReconciles: atOnce}).Complete(s)
	if err != nil {
		return fmt.Errorf("preparing to scale: %w", err)
	}
	return nil
}

// follow has what is due written until the context ends: with each decision on another number,
// each order, and each tick.
func (s *Scales) follow(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
	go func() {
		tick := time.NewTicker(s.every)
		defer tick.Stop()
		for {
			changed := s.changed() // before what is due: what changes meanwhile is not missed
			for _, key := range s.due() {
				queue.Add(ctrl.Request{NamespacedName: key})
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-s.placed:
			case <-tick.C:
			}
		}
	}()
	return nil
}
