package autoscalers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/kube/promised"
)

const (
	// look is how often one is looked at although nothing of it has changed: decisions, and
	// what else may scale the workload, have.
	look = 15 * time.Second
	// soon is likewise, while KEDA or the scaler has not said anything of a ScaledObject yet.
	soon = 2 * time.Second
)

// Settings are what an InferenceAutoscaler does not say.
type Settings struct {
	Address string // of the scaler, for KEDA
}

// Reconciler carries out what is judged of one InferenceAutoscaler.
type Reconciler struct {
	Settings
	Client   client.Client // reads what was watched
	Live     client.Reader // reads the API server; asked once more before a ScaledObject is created
	Events   events.EventRecorder
	Served   func(...schema.GroupVersionKind) bool
	Services *promised.Services
	Decided  func(promised.Service) *autoscaler.Decision // nil: nothing yet
	Now      func() time.Time

	said notices.Said
}

// Reconcile judges, applies and tells.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	a := &v1alpha1.InferenceAutoscaler{}
	if err := r.Client.Get(ctx, req.NamespacedName, a); err != nil {
		r.said.Forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err) // the garbage collector follows the owner
	}
	if a.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	v, out, err := r.judge(ctx, a)
	if err != nil {
		return ctrl.Result{}, err
	}
	failed := r.act(ctx, v, &out)
	if apierrors.IsConflict(failed) {
		return ctrl.Result{RequeueAfter: time.Second}, nil // someone was faster: look again
	}
	r.said.Tell(r.Events, req.NamespacedName, a, out.Notices)
	waits, err := r.write(ctx, v, out)
	switch {
	case failed != nil || err != nil:
		return ctrl.Result{}, errors.Join(failed, err)
	case waits:
		return ctrl.Result{RequeueAfter: soon}, nil
	}
	return ctrl.Result{RequeueAfter: look}, nil
}

// judge looks once more before anything is created: the watches may be late.
func (r *Reconciler) judge(ctx context.Context, a *v1alpha1.InferenceAutoscaler) (autoscaler.View, autoscaler.Verdict, error) {
	v, err := r.view(ctx, r.Client, a)
	if err != nil {
		return v, autoscaler.Verdict{}, err
	}
	out := v.Verdict(r.Address)
	if out.Action != explain.Create {
		return v, out, nil
	}
	if v, err = r.view(ctx, cluster.NewListing(r.Live, a.Namespace), a); err != nil {
		return v, out, err
	}
	return v, v.Verdict(r.Address), nil
}

// act applies, and tells what came of it.
func (r *Reconciler) act(ctx context.Context, v autoscaler.View, out *autoscaler.Verdict) error {
	if out.Apply == nil {
		return nil
	}
	changed, err := apply.ScaledObject(ctx, r.Client, autoscaler.Manager, v.ScaledObject, out.Apply)
	switch {
	case err != nil:
		out.Action, out.Apply = explain.Abstain, nil
		out.Warn("ApplyFailed", "%v", err)
	case changed && out.Done != nil:
		notices.Emit(r.Events, v.InferenceAutoscaler, *out.Done)
	}
	return err
}

// course is how it goes with a ScaledObject.
func (r *Reconciler) course(v autoscaler.View) autoscaler.Course {
	service, err := r.Services.Look(client.ObjectKeyFromObject(v))
	switch refused := (*promised.Refusal)(nil); {
	case err == nil:
		return autoscaler.Course{Last: r.Decided(service)}
	case v.ScaledObject == nil || !errors.As(err, &refused) || refused.Cause == promised.Unknown:
		return autoscaler.Course{} // it has not been seen yet
	default:
		return autoscaler.Course{Refused: &explain.Notice{Warning: true, Reason: refused.Reason, Text: refused.Text}, Taken: refused.Cause == promised.Taken}
	}
}

// write patches a status that says something else, and tells whether something is waited for.
func (r *Reconciler) write(ctx context.Context, v autoscaler.View, out autoscaler.Verdict) (waits bool, err error) {
	next := v.DeepCopy()
	next.Status = autoscaler.Status(v.Status, v, out, r.course(v), r.Now())
	waits = out.Apply != nil && slices.ContainsFunc(next.Status.Conditions, autoscaler.Waits)
	if equality.Semantic.DeepEqual(next.Status, v.Status) {
		return waits, nil
	}
	if err := r.Client.Status().Patch(ctx, next, client.MergeFrom(v.InferenceAutoscaler)); client.IgnoreNotFound(err) != nil {
		return waits, fmt.Errorf("writing the status of InferenceAutoscaler %s: %w", v.Name, err)
	}
	return waits, nil
}
