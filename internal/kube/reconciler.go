package kube

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/guard"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/claim"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/meter"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
	"github.com/flyball-dev/flyball/internal/pulse"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Reconciler carries out what decide says about one InferenceService.
type Reconciler struct {
	Client client.Client // reads what was watched
	Live   client.Reader // reads the API server; asked once more before anything is created
	Events events.EventRecorder
	KEDA   func() bool // are KEDA's custom resources served?
	Now    func() time.Time
	Acts   func() bool // false while another controller acts in the cluster
	Demand func(demand.Service) demand.Demand
	Meter  *meter.Meter

	Servers kserve.Servers // that KEDA may ask
	Pulse   *pulse.Pulse   // has each reconciliation come to an end

	said notices.Said
}

// Reconcile observes, decides, acts and tells.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if !r.Acts() {
		return ctrl.Result{RequeueAfter: claim.LookPeriod}, nil
	}
	ctx, end := r.Pulse.Begin(ctx, "reconciling "+req.String())
	defer end()
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(ctx, req.NamespacedName, raw); err != nil {
		r.said.Forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err) // the garbage collector follows the owner
	}
	if raw.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, nil
	}
	o, v, err := r.judge(ctx, raw)
	if err != nil {
		return ctrl.Result{}, err
	}
	changed, err := r.act(ctx, o, &v)
	r.Meter.Acted(v.Action, changed, err)
	waits := o.demand.Held > 0
	switch {
	case apierrors.IsConflict(err) && waits:
		return ctrl.Result{RequeueAfter: 50 * time.Millisecond}, nil
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: time.Second}, nil // someone was faster: look again
	case err != nil:
		v.Warn("ApplyFailed", "%v", err)
	case changed:
		log.FromContext(ctx).Info("acted", "action", v.Action.String())
		notices.Emit(r.Events, raw, *v.Done)
	}
	r.said.Tell(r.Events, req.NamespacedName, raw, v.Notices)
	if err != nil && waits { // no ever longer delay
		log.FromContext(ctx).Error(err, "not acted while requests are held", "action", v.Action.String())
		return ctrl.Result{RequeueAfter: time.Second}, nil
	}
	return ctrl.Result{RequeueAfter: again(o, v)}, err
}

// judge observes and decides. What the watches may not have brought yet, and no one could
// take back, it looks at once more.
func (r *Reconciler) judge(ctx context.Context, raw *unstructured.Unstructured) (observed, explain.Verdict, error) {
	o, err := r.observe(ctx, r.Client, raw)
	if err != nil {
		return o, explain.Verdict{}, err
	}
	v := o.verdict()
	if v.Action == explain.Create || v.Action == explain.GiveBack {
		if o, err = r.observe(ctx, cluster.NewListing(r.Live, raw.GetNamespace()), raw); err != nil {
			return o, v, err
		}
		v = o.verdict()
	}
	return o, v, r.takenModels(ctx, o, &v)
}

// again is when to look anew although nothing may have changed; 0 is never.
func again(o observed, v explain.Verdict) time.Duration {
	switch {
	case o.NoKEDA && v.Action == explain.Wait:
		return cluster.LookPeriod
	case v.Apply == nil:
		return 0
	}
	if next, d := o.step(); next.Raised > 0 || next.Attempt.Phase != guard.Resting {
		return max(d.Next-reading.SinceEpoch(o.now), 10*time.Millisecond)
	}
	return 0
}

func (r *Reconciler) observe(ctx context.Context, from client.Reader, raw *unstructured.Unstructured) (observed, error) {
	s, err := snapshot.Reader{From: from, Parts: snapshot.AllParts, KEDA: r.KEDA}.About(ctx, raw)
	s.Servers = r.Servers
	return observed{s, r.Demand(demand.Service(client.ObjectKeyFromObject(raw))), r.Now()}, err
}
