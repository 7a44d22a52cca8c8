package kube

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/notices"
)

// leaderTime is how long a wake is left to the replica that leads. One that died keeps
// its lease for up to 15 s.
const leaderTime = time.Second

// A deputy is each replica, whether it leads or not: it does what is safe from any, which
// is to raise the minimum of a service of which more is held than before.
type deputy struct{ *Reconciler }

func addDeputy(mgr ctrl.Manager, r *Reconciler, from *inbox.Inbox) error {
	c, err := controller.New("deputy", mgr, controller.Options{
		Reconciler: deputy{r}, NeedLeaderElection: new(false), MaxConcurrentReconciles: side,
	})
	if err != nil {
		return fmt.Errorf("preparing the wakes without a leader: %w", err)
	}
	if err := c.Watch(told(from, leaderTime)); err != nil {
		return fmt.Errorf("hearing of wakes without a leader: %w", err)
	}
	return nil
}

// told brings each service of which more is held, after a time.
func told(from *inbox.Inbox, after time.Duration) source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		from.Tell(func(s demand.Service) { queue.AddAfter(ctrl.Request{NamespacedName: types.NamespacedName(s)}, after) })
		return nil
	})
}

// Reconcile raises where the one that leads has not. It creates, repairs, lowers and
// withdraws nothing.
func (r deputy) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if !r.Acts() {
		return ctrl.Result{}, nil
	}
	ctx, end := r.Pulse.Begin(ctx, "raising "+req.String())
	defer end()
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(ctx, req.NamespacedName, raw); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if raw.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, nil
	}
	o, err := r.observe(ctx, r.Client, raw)
	if err != nil {
		return ctrl.Result{}, err
	}
	v := o.verdict()
	if v.Action != explain.Rouse {
		return ctrl.Result{}, nil
	}
	changed, err := r.act(ctx, o, &v)
	r.Meter.Acted(v.Action, changed, err)
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: 50 * time.Millisecond}, nil
	case err != nil:
		log.FromContext(ctx).Error(err, "not raised while requests are held")
		return ctrl.Result{RequeueAfter: time.Second}, nil // no ever longer delay
	case changed:
		log.FromContext(ctx).Info("raised, since the controller that leads has not")
		notices.Emit(r.Events, raw, *v.Done)
	}
	return ctrl.Result{}, nil
}
