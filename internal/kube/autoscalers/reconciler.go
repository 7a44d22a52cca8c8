package autoscalers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/native"
	"github.com/flyball-dev/flyball/internal/kube/notices"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/policy/objective"
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
	KEDA     func() bool // ScaledObjects are followed
	KServe   func() bool // InferenceServices are
	Services *promised.Services
	Scales   *native.Scales
	Decided  func(promised.Service) *autoscaler.Decision // nil: nothing yet
	Now      func() time.Time
	Reading  *cluster.Reading // of InferenceAutoscalers and what may stand in their way

	said notices.Said
}

// Reconcile judges, applies and tells.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	a := &v1alpha1.InferenceAutoscaler{}
	if err := r.Client.Get(ctx, req.NamespacedName, a); err != nil {
		if apierrors.IsNotFound(err) { // the garbage collector follows the owner
			r.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if a.DeletionTimestamp != nil {
		r.forget(req.NamespacedName)
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
	waits, err := r.tell(ctx, v, out)
	switch {
	case failed != nil || err != nil:
		return ctrl.Result{}, errors.Join(failed, err)
	case waits:
		return ctrl.Result{RequeueAfter: soon}, nil
	}
	return ctrl.Result{RequeueAfter: next(v)}, nil
}

// next is how long it takes until one is looked at again, at the latest when a schedule begins
// or ends.
func next(v autoscaler.View) time.Duration {
	b, _ := autoscaler.BoundsAt(v.InferenceAutoscaler, v.Now)
	if b.Until.IsZero() {
		return look
	}
	return min(look, b.Until.Sub(v.Now))
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.said.Forget(key)
	r.Scales.Cancel(key)
	r.Services.Leave(key)
}

// judge looks once more before anything begins to scale: the watches may be late. Where that is
// Flyball itself, it tries whether it may.
func (r *Reconciler) judge(ctx context.Context, a *v1alpha1.InferenceAutoscaler) (autoscaler.View, autoscaler.Verdict, error) {
	v, err := r.view(ctx, r.Client, a)
	if err != nil {
		return v, autoscaler.Verdict{}, err
	}
	out := v.Verdict(r.Address)
	begins := out.Native && !r.Scales.Has(a)
	if out.Action != explain.Create && !begins {
		return v, out, nil
	}
	if v, err = r.view(ctx, cluster.NewListing(r.Live, a.Namespace), a); err != nil {
		return v, out, err
	}
	if begins {
		v.Barred = r.Scales.Try(ctx, a.Namespace, objective.WorkloadOf(a.Spec.TargetRef))
	}
	return v, v.Verdict(r.Address), nil
}

// act applies or removes, and tells what came of it.
func (r *Reconciler) act(ctx context.Context, v autoscaler.View, out *autoscaler.Verdict) error {
	var changed bool
	var without []string
	var err error
	switch {
	case out.Action == explain.Remove:
		changed, err = apply.Remove(ctx, r.Client, v.ScaledObject)
	case out.Apply != nil:
		changed, without, err = apply.ScaledObject(ctx, r.Client, autoscaler.Manager, v.ScaledObject, out.Apply)
	}
	switch {
	case err != nil:
		out.Action, out.Apply = explain.Abstain, nil
		out.Warn("ApplyFailed", "%v", err)
		return err
	case changed && out.Done != nil:
		notices.Emit(r.Events, v.InferenceAutoscaler, *out.Done)
	}
	out.OlderKEDA(without)
	return nil
}

// tell says how it goes, in Events and in the status, and whether something is waited for.
func (r *Reconciler) tell(ctx context.Context, v autoscaler.View, out autoscaler.Verdict) (waits bool, err error) {
	c, err := r.course(ctx, v, out)
	if err != nil {
		return false, err
	}
	if c.Refused != nil && out.Absent != nil { // of a ScaledObject that is there it is told there
		out.Notices = append(out.Notices, *c.Refused)
	}
	if c.Failed != nil {
		out.Notices = append(out.Notices, *c.Failed)
	}
	r.said.Tell(r.Events, client.ObjectKeyFromObject(v), v.InferenceAutoscaler, out.Notices)
	return r.write(ctx, v, out, c)
}

// course is how it goes with the ScaledObject, or with the advice in its place.
func (r *Reconciler) course(ctx context.Context, v autoscaler.View, out autoscaler.Verdict) (autoscaler.Course, error) {
	service, err := r.service(ctx, v, out)
	refused := (*autoscaler.Refusal)(nil)
	switch {
	case err == nil && service.Of(v.UID):
		return autoscaler.Course{Last: r.Decided(service), Failed: r.Scales.Trouble(client.ObjectKeyFromObject(v))}, nil
	case err != nil && !errors.As(err, &refused):
		return autoscaler.Course{}, err
	case err == nil, out.Absent == nil && v.ScaledObject == nil, refused.Cause == autoscaler.Unknown:
		return autoscaler.Course{}, nil // it has not been seen yet, or is another one's
	}
	return autoscaler.Course{Refused: &explain.Notice{Warning: true, Reason: refused.Reason, Text: refused.Text}, Taken: refused.Cause == autoscaler.Taken}, nil
}

// service is what is decided on. One without a ScaledObject goes on until that which follows it
// has been seen; but its number is written no more.
func (r *Reconciler) service(ctx context.Context, v autoscaler.View, out autoscaler.Verdict) (promised.Service, error) {
	key := client.ObjectKeyFromObject(v)
	if out.Absent != nil {
		service, err := r.Services.Enter(ctx, out.Absent, v.Spec.Engine == v1alpha1.Advise)
		if err == nil && out.Writes() {
			r.Scales.Order(v.InferenceAutoscaler, service)
		} else {
			r.Scales.Cancel(key)
		}
		return service, err
	}
	r.Scales.Cancel(key)
	service, err := r.Services.Look(key)
	if out.Apply == nil || err == nil {
		r.Services.Leave(key)
	}
	return service, err
}

// write patches a status that says something else.
func (r *Reconciler) write(ctx context.Context, v autoscaler.View, out autoscaler.Verdict, c autoscaler.Course) (waits bool, err error) {
	next := v.DeepCopy()
	next.Status = autoscaler.Status(v.Status, v, out, c, r.Now())
	waits = slices.ContainsFunc(next.Status.Conditions, autoscaler.Waits)
	if equality.Semantic.DeepEqual(next.Status, v.Status) {
		return waits, nil
	}
	if err := r.Client.Status().Patch(ctx, next, client.MergeFrom(v.InferenceAutoscaler)); client.IgnoreNotFound(err) != nil {
		return waits, fmt.Errorf("writing the status of InferenceAutoscaler %s: %w", v.Name, err)
	}
	return waits, nil
}
