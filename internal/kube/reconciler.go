package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// maxNote is what an Event holds (k8s.io/api/events/v1: note, 1 kB).
const maxNote = 1024

// Reconciler carries out what decide says about one InferenceService.
type Reconciler struct {
	Client client.Client // reads what was watched
	Live   client.Reader // reads the API server; asked once more before anything is created
	Events events.EventRecorder
	KEDA   func() bool // are KEDA's custom resources served?
	Demand func(demand.Service) demand.Demand

	said sync.Map // service → the notices last given, so that a resync does not repeat them
}

// Reconcile observes, decides, acts and tells.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	raw := cluster.NewObject(kserve.InferenceServiceKind)
	if err := r.Client.Get(ctx, req.NamespacedName, raw); err != nil {
		r.said.Delete(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err) // the garbage collector follows the owner
	}
	if raw.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, nil
	}
	o, err := r.observe(ctx, r.Client, raw)
	if err != nil {
		return ctrl.Result{}, err
	}
	v := o.verdict()
	if v.Action == explain.Create {
		if o, err = r.observe(ctx, r.Live, raw); err != nil {
			return ctrl.Result{}, err
		}
		v = o.verdict()
	}
	changed, err := r.act(ctx, o, v)
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: time.Second}, nil // someone was faster: look again
	case err != nil:
		v.Warn("ApplyFailed", "%v", err)
		if o.demand.Held > 0 { // someone waits: no ever longer delay
			log.FromContext(ctx).Error(err, "not acted while requests are held", "action", v.Action.String())
			r.tell(req.NamespacedName, raw, v.Notices)
			return ctrl.Result{RequeueAfter: time.Second}, nil
		}
	case changed:
		log.FromContext(ctx).Info("acted", "action", v.Action.String())
		r.emit(raw, *v.Done)
	}
	r.tell(req.NamespacedName, raw, v.Notices)
	return ctrl.Result{RequeueAfter: again(o, v)}, err
}

// again is when to look anew although nothing may have changed; 0 is never.
func again(o observed, v explain.Verdict) time.Duration {
	switch {
	case o.NoKEDA && v.Action == explain.Wait:
		return cluster.LookPeriod
	case v.Apply != nil && v.Apply.Annotations[kserve.ForceActivation] != "":
		return max(o.demand.QuietIn, 10*time.Millisecond)
	}
	return 0
}

func (r *Reconciler) observe(ctx context.Context, from client.Reader, raw *unstructured.Unstructured) (observed, error) {
	o := observed{
		Snapshot: explain.Snapshot{NoKEDA: !r.KEDA(), Auths: map[string][]string{}},
		demand:   r.Demand(demand.Service(client.ObjectKeyFromObject(raw))),
	}
	if err := kserve.Decode(raw, &o.InferenceService); err != nil {
		return o, err
	}
	in := client.InNamespace(raw.GetNamespace())
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	if err := from.List(ctx, &hpas, in); err != nil {
		return o, fmt.Errorf("listing HorizontalPodAutoscalers: %w", err)
	}
	o.HPAs = slices.DeleteFunc(hpas.Items, func(h autoscalingv2.HorizontalPodAutoscaler) bool {
		return h.Spec.ScaleTargetRef.Name != kserve.PredictorName(raw.GetName())
	})
	if o.NoKEDA {
		return o, nil
	}
	objects, err := list(ctx, from, kserve.ScaledObjectKind, in)
	if err != nil {
		return o, err
	}
	for i := range objects {
		so := kserve.ScaledObject{}
		if err := kserve.Decode(&objects[i], &so); err != nil {
			return o, err
		}
		if so.Name == kserve.PredictorName(o.InferenceService.Name) {
			o.ScaledObject = &so
		} else {
			o.Others = append(o.Others, so)
		}
	}
	auths, err := list(ctx, from, kserve.TriggerAuthenticationKind, in)
	if err != nil {
		return o, err
	}
	for i := range auths {
		o.Auths[auths[i].GetName()] = secretsOf(&auths[i])
	}
	if o.ScaledObject == nil {
		return o, nil
	}
	var said corev1.EventList
	if err := r.Client.List(ctx, &said, in); err != nil {
		return o, fmt.Errorf("listing Events: %w", err)
	}
	o.Events = said.Items
	return o, nil
}

func list(ctx context.Context, from client.Reader, kind schema.GroupVersionKind, in client.InNamespace) ([]unstructured.Unstructured, error) {
	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(kind)
	if err := from.List(ctx, l, in); err != nil {
		return nil, fmt.Errorf("listing %ss: %w", kind.Kind, err)
	}
	return l.Items, nil
}

// secretsOf names the Secrets of a TriggerAuthentication, each once.
func secretsOf(auth *unstructured.Unstructured) []string {
	refs, _, err := unstructured.NestedSlice(auth.Object, "spec", "secretTargetRef")
	if err != nil {
		return nil
	}
	var names []string
	for _, ref := range refs {
		m, ok := ref.(map[string]any)
		if !ok {
			continue
		}
		if name, ok := m["name"].(string); ok && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// tell emits the notices that were not among the last ones.
func (r *Reconciler) tell(key types.NamespacedName, about *unstructured.Unstructured, notices []explain.Notice) {
	last, _ := r.said.Swap(key, notices)
	before, _ := last.([]explain.Notice)
	for _, n := range notices {
		if !slices.Contains(before, n) {
			r.emit(about, n)
		}
	}
}

func (r *Reconciler) emit(about *unstructured.Unstructured, n explain.Notice) {
	kind := corev1.EventTypeNormal
	if n.Warning {
		kind = corev1.EventTypeWarning
	}
	text := n.Text
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote-len("…")], "") + "…"
	}
	r.Events.Eventf(about, nil, kind, n.Reason, "Reconcile", "%s", text)
}
