package overview

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/promised"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// FindUnstated are the vLLM workloads of a namespace, or of all where it is empty, that something
// scales and for which nobody has stated objectives, in order; and what may not be read.
func FindUnstated(ctx context.Context, api client.Reader, namespace string) ([]autoscaler.Unstated, []Unread, error) {
	f := &finder{reader: newReader(api, namespace, true), settled: map[place]bool{}, named: map[client.ObjectKey]bool{}}
	for _, find := range []func(context.Context) error{f.stated, f.services, f.scaledObjects, f.hpas} {
		err := find(ctx)
		if apierrors.IsForbidden(err) { // who knows only a part would propose for what has one
			f.miss("services without an InferenceAutoscaler are not shown", err)
			return nil, f.unread, nil
		}
		if err != nil && !meta.IsNoMatchError(err) {
			return nil, nil, err
		}
	}
	slices.SortFunc(f.all, autoscaler.Unstated.Compare)
	for i := range f.all {
		u := &f.all[i]
		u.Call(func(name string) bool { return f.named[client.ObjectKey{Namespace: u.Namespace, Name: name}] })
		f.named[client.ObjectKey{Namespace: u.Namespace, Name: u.Name}] = true
		heard, err := (&promised.Services{Client: f}).Heard(ctx, u.Namespace)
		if err != nil && !f.miss("whether objectives are enabled is not known", err) {
			return nil, nil, err
		}
		u.Disabled = err == nil && !heard
	}
	return f.all, f.unread, nil
}

// A place is of a workload.
type place struct {
	namespace string
	objective.Workload
}

// A finder asks one after the other who scales a workload; the first to know settles it.
type finder struct {
	*reader
	settled map[place]bool
	named   map[client.ObjectKey]bool // under which decisions are recorded
	all     []autoscaler.Unstated
}

// stated settles the workloads with objectives.
func (f *finder) stated(ctx context.Context) error {
	var list v1alpha1.InferenceAutoscalerList
	if err := f.List(ctx, &list); err != nil {
		return fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	objects, err := cluster.ReadAll[kserve.ScaledObject](ctx, f, kserve.ScaledObjectKind)
	for _, s := range paired(list.Items, objects) {
		f.settled[place{s.Namespace(), s.Workload}], f.named[key(s)] = true, true
	}
	return err
}

// key is under which name decisions on it are recorded.
func key(s autoscaler.Stated) client.ObjectKey {
	if s.By != nil {
		return client.ObjectKeyFromObject(s.By)
	}
	return client.ObjectKey{Namespace: s.ScaledObject.Namespace, Name: s.ScaledObject.Name}
}

// services are those of InferenceServices.
func (f *finder) services(ctx context.Context) error {
	list := cluster.NewList(kserve.InferenceServiceKind)
	if err := f.List(ctx, list); err != nil {
		return fmt.Errorf("reading InferenceServices: %w", err)
	}
	r := snapshot.Reader{From: f, Parts: snapshot.HPAs | snapshot.Others}
	for i := range list.Items {
		at := place{list.Items[i].GetNamespace(), objective.Workload{Kind: objective.Deployment, Name: kserve.PredictorName(list.Items[i].GetName())}}
		if f.settled[at] {
			continue
		}
		f.settled[at] = true
		s, err := r.About(ctx, &list.Items[i])
		if err != nil {
			return err
		}
		d, err := f.serving(ctx, at)
		if err != nil {
			return err
		}
		if u, ok := autoscaler.UnstatedService(s); ok && d != nil {
			u.Ready = d.Status.ReadyReplicas
			f.all = append(f.all, u)
		}
	}
	return nil
}

func (f *finder) scaledObjects(ctx context.Context) error {
	objects, err := cluster.ReadAll[kserve.ScaledObject](ctx, f, kserve.ScaledObjectKind)
	for i := range objects {
		so := &objects[i]
		if err := f.plain(ctx, place{so.Namespace, autoscaler.Scaled(so)}, so, nil); err != nil {
			return err
		}
	}
	return err
}

func (f *finder) hpas(ctx context.Context) error {
	var list autoscalingv2.HorizontalPodAutoscalerList
	if err := f.List(ctx, &list); err != nil {
		return fmt.Errorf("reading HorizontalPodAutoscalers: %w", err)
	}
	for i := range list.Items {
		h := &list.Items[i]
		to := h.Spec.ScaleTargetRef
		if err := f.plain(ctx, place{h.Namespace, objective.Workload{Kind: to.Kind, Name: to.Name}}, nil, h); err != nil {
			return err
		}
	}
	return nil
}

// plain is a workload of no InferenceService.
func (f *finder) plain(ctx context.Context, at place, so *kserve.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) error {
	if f.settled[at] {
		return nil
	}
	f.settled[at] = true
	d, err := f.serving(ctx, at)
	if err != nil || d == nil {
		return err
	}
	u := autoscaler.UnstatedWorkload(at.namespace, at.Workload, so, h)
	u.Ready = d.Status.ReadyReplicas
	f.all = append(f.all, u)
	return nil
}

// serving is a workload whose pods run vLLM; nil: it is not there, or runs something else.
func (f *finder) serving(ctx context.Context, at place) (*appsv1.Deployment, error) {
	d, err := f.workload(ctx, at.namespace, at.Workload)
	switch {
	case apierrors.IsNotFound(err), err == nil && d == nil:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %ss: %w", at.Kind, err)
	case !vllm.Runs(d.Spec.Template.Spec.Containers):
		return nil, nil
	}
	return d, nil
}
