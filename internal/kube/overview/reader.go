package overview

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// A reader finds what states objectives, and remembers what it may not read.
type reader struct {
	*cluster.Listing
	api       client.Reader
	namespace string
	kserve    bool
	unread    []Unread
	pods      map[string][]corev1.Pod // by namespace; nil: not read yet
}

func newReader(api client.Reader, namespace string, kserves bool) *reader {
	return &reader{Listing: cluster.NewListing(api, namespace).Any(), api: api, namespace: namespace, kserve: kserves}
}

// Get asks for one namespace by its name: the right to list them all is seldom given.
func (r *reader) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if _, ok := into.(*corev1.Namespace); ok && r.namespace != "" {
		return r.api.Get(ctx, key, into, opts...)
	}
	return r.Listing.Get(ctx, key, into, opts...)
}

// miss remembers what may not be read; of a kind that is not installed there is nothing to
// tell. False: it failed for another cause.
func (r *reader) miss(what string, err error) bool {
	if !apierrors.IsForbidden(err) {
		return meta.IsNoMatchError(err)
	}
	u := Unread{What: what, Why: err.Error(), Fix: "ask whoever administers the cluster for the right to get and list them"}
	if !slices.ContainsFunc(r.unread, func(o Unread) bool { return o.What == u.What }) {
		r.unread = append(r.unread, u)
	}
	return true
}

// stated is all that states objectives.
func (r *reader) stated(ctx context.Context) ([]autoscaler.Stated, error) {
	var list v1alpha1.InferenceAutoscalerList
	if err := r.List(ctx, &list); err != nil && !r.miss("InferenceAutoscalers are not shown", err) {
		return nil, fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	objects, err := cluster.ReadAll[kserve.ScaledObject](ctx, r, kserve.ScaledObjectKind)
	if err != nil && !r.miss("ScaledObjects with objectives are not shown", err) {
		return nil, err
	}
	all := paired(list.Items, objects)
	for i := range all {
		if err := r.fill(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Stated is all that states objectives in a namespace, or in all where it is empty, and what of
// it is not told. Of the services that are given it is known what explains their replicas; of
// other workloads it is read. kserves tells whether InferenceServices are served.
func Stated(ctx context.Context, api client.Reader, namespace string, services []explain.Snapshot, kserves bool) ([]autoscaler.Stated, []Unread, error) {
	r := newReader(api, namespace, kserves)
	all, err := r.stated(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := map[client.ObjectKey]bool{}
	for _, s := range services {
		known[client.ObjectKey{Namespace: s.InferenceService.Namespace, Name: kserve.PredictorName(s.InferenceService.Name)}] = true
	}
	for i := range all {
		s := &all[i]
		if s.Scale == nil || s.Kind == "Deployment" && known[client.ObjectKey{Namespace: s.Namespace(), Name: s.Name}] {
			continue
		}
		if s.Seen, err = r.see(ctx, *s); err != nil {
			return nil, nil, err
		}
	}
	return all, r.unread, nil
}

// paired has the ScaledObject of an InferenceAutoscaler with that one, and others that state
// objectives for themselves.
func paired(autoscalers []v1alpha1.InferenceAutoscaler, objects []kserve.ScaledObject) []autoscaler.Stated {
	all := make([]autoscaler.Stated, len(autoscalers))
	by := map[types.UID]*autoscaler.Stated{}
	for i := range autoscalers {
		a := &autoscalers[i]
		all[i] = autoscaler.Stated{By: a, Workload: objective.WorkloadOf(a.Spec.TargetRef)}
		by[a.UID] = &all[i]
	}
	var others []autoscaler.Stated
	for i := range objects {
		so, owner := &objects[i], types.UID("")
		if o := metav1.GetControllerOfNoCopy(so); o != nil {
			owner = o.UID
		}
		switch s := by[owner]; {
		case s != nil:
			s.ScaledObject = so
		case so.DeletionTimestamp == nil && objective.At(so.Spec.Triggers) >= 0:
			others = append(others, autoscaler.Stated{ScaledObject: so, Workload: autoscaler.Scaled(so)})
		}
	}
	return append(all, others...)
}

// fill reads what is scaled, and whether it is refused.
func (r *reader) fill(ctx context.Context, s *autoscaler.Stated) error {
	var err error
	if s.Scale, err = r.scaleOf(ctx, s.Namespace(), s.Workload); err != nil {
		return err
	}
	if s.By != nil {
		return nil
	}
	s.Refused, err = promised.Judge(ctx, r, r.kserve, s.ScaledObject)
	if err != nil && !r.miss("whether ScaledObjects are refused is not known", err) {
		return fmt.Errorf("judging ScaledObject %s/%s: %w", s.ScaledObject.Namespace, s.ScaledObject.Name, err)
	}
	return nil
}
