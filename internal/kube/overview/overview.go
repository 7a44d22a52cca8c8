package overview

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// A Choice is of services.
type Choice struct {
	Namespace string          // all where it is empty
	Name      string          // likewise
	Labels    labels.Selector // of the InferenceService, or of the workload
}

func (c Choice) takes(name string, of map[string]string) bool {
	return (c.Name == "" || c.Name == name) && c.Labels.Matches(labels.Set(of))
}

// An Overview is of the services that were chosen.
type Overview struct {
	Rows   []explain.Row
	Names  []string // of all in the namespace
	Unread []Unread
}

// Unread is what is not told, why, and what tells it.
type Unread struct{ What, Why, Fix string }

// Read looks at the cluster once. Where InferenceServices cannot be read, and nothing states
// objectives, it is an error.
func Read(ctx context.Context, api client.Reader, c Choice) (Overview, error) {
	services, err := snapshot.ReadAll(ctx, api, c.Namespace)
	if err != nil && !apierrors.IsForbidden(err) && !meta.IsNoMatchError(err) {
		return Overview{}, err
	}
	r := newReader(api, c.Namespace, !meta.IsNoMatchError(err))
	all, failed := r.stated(ctx)
	switch {
	case failed != nil:
		return Overview{}, failed
	case err != nil && len(all) == 0:
		return Overview{}, err
	case err != nil:
		r.miss("InferenceServices are not shown", err)
	}
	return c.of(services, all, r.unread), nil
}

// of takes those that are chosen. Objectives of an InferenceService are chosen as it is.
func (c Choice) of(services []explain.Snapshot, all []autoscaler.Stated, unread []Unread) Overview {
	o := Overview{Unread: unread}
	type name struct{ namespace, name string }
	labelled := map[name]map[string]string{}
	services = slices.DeleteFunc(services, func(s explain.Snapshot) bool {
		is := s.InferenceService.ObjectMeta
		o.Names = append(o.Names, is.Name)
		labelled[name{is.Namespace, is.Name}] = is.Labels
		return !c.takes(is.Name, is.Labels)
	})
	all = slices.DeleteFunc(all, func(s autoscaler.Stated) bool {
		o.Names = append(o.Names, s.Service())
		of, ok := labelled[name{s.Namespace(), s.Service()}]
		if !ok && s.Scale != nil {
			of = s.Scale.Labels
		}
		return !c.takes(s.Service(), of)
	})
	o.Rows = autoscaler.Rows(explain.Rows(services), all)
	return o
}

// scaleOf is that of a workload; nil: it is not there, or of a kind that is not read.
func (r *reader) scaleOf(ctx context.Context, namespace string, w objective.Workload) (*autoscaler.Scale, error) {
	d, err := r.workload(ctx, namespace, w)
	switch {
	case apierrors.IsNotFound(err), err != nil && r.miss("replicas of "+w.Kind+"s are not shown", err), err == nil && d == nil:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %ss: %w", w.Kind, err)
	}
	return &autoscaler.Scale{ObjectMeta: d.ObjectMeta, Current: d.Status.Replicas, Desired: ptr.Deref(d.Spec.Replicas, 1), Ready: d.Status.ReadyReplicas}, nil
}

// workload is one as a Deployment; a StatefulSet is seen as a Deployment of its replicas. nil: it
// is of another kind, which is not read.
func (r *reader) workload(ctx context.Context, namespace string, w objective.Workload) (*appsv1.Deployment, error) {
	d, key := &appsv1.Deployment{}, client.ObjectKey{Namespace: namespace, Name: w.Name}
	switch w.Kind {
	case objective.Deployment:
		return d, r.Get(ctx, key, d)
	case objective.StatefulSet:
		set := &appsv1.StatefulSet{}
		err := r.Get(ctx, key, set)
		d.ObjectMeta, d.Spec.Replicas, d.Spec.Selector, d.Spec.Template = set.ObjectMeta, set.Spec.Replicas, set.Spec.Selector, set.Spec.Template
		d.Status.Replicas, d.Status.ReadyReplicas, d.Status.ObservedGeneration = set.Status.Replicas, set.Status.ReadyReplicas, set.Status.ObservedGeneration
		return d, err
	}
	return nil, nil
}
