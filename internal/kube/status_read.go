package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// listed is one reading of everything that explains services.
type listed struct {
	services    []kserve.InferenceService
	objects     []kserve.ScaledObject
	noKEDA      bool
	auths       []unstructured.Unstructured
	deployments appsv1.DeploymentList
	hpas        autoscalingv2.HorizontalPodAutoscalerList
	pods        corev1.PodList
	events      []corev1.Event
	note        *demandNote
}

// ReadServices reads the services of a namespace, or of all where it is empty, with
// a fixed number of lists however many services there are.
func ReadServices(ctx context.Context, c client.Reader, namespace string) ([]explain.Snapshot, error) {
	var l listed
	var err error
	in := client.InNamespace(namespace)
	if l.services, err = ReadKind[kserve.InferenceService](ctx, c, kserve.InferenceServiceKind, in); err != nil {
		return nil, err
	}
	if l.objects, err = ReadKind[kserve.ScaledObject](ctx, c, kserve.ScaledObjectKind, in); err != nil && !meta.IsNoMatchError(err) {
		return nil, err
	}
	l.noKEDA = err != nil
	auths := unstructured.UnstructuredList{}
	auths.SetGroupVersionKind(kserve.TriggerAuthenticationKind)
	if err := c.List(ctx, &auths, in); err != nil && !meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("reading TriggerAuthentications: %w", err)
	}
	l.auths = auths.Items
	for _, r := range []struct {
		what string
		list client.ObjectList
		opts []client.ListOption
	}{
		{"Deployments", &l.deployments, []client.ListOption{in, client.HasLabels{kserve.ServiceLabel}}},
		{"pods", &l.pods, []client.ListOption{in, client.HasLabels{kserve.ServiceLabel}}},
		{"HorizontalPodAutoscalers", &l.hpas, []client.ListOption{in}},
	} {
		if err := c.List(ctx, r.list, r.opts...); err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.what, err)
		}
	}
	for _, kind := range []string{kserve.InferenceServiceKind.Kind, kserve.ScaledObjectKind.Kind} {
		var events corev1.EventList
		if err := c.List(ctx, &events, in, client.MatchingFields{"involvedObject.kind": kind}); err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
		l.events = append(l.events, events.Items...)
	}
	if l.note, err = readNote(ctx, c, time.Now()); err != nil {
		return nil, err
	}
	return l.join(), nil
}

// ReadKind lists a kind of KServe or KEDA.
func ReadKind[T any](ctx context.Context, c client.Reader, kind schema.GroupVersionKind, opts ...client.ListOption) ([]T, error) {
	var list unstructured.UnstructuredList
	list.SetGroupVersionKind(kind)
	if err := c.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("reading %ss: %w", kind.Kind, err)
	}
	all := make([]T, len(list.Items))
	for i := range list.Items {
		if err := kserve.Decode(&list.Items[i], &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// join puts the lists together. Each is walked once: clusters have thousands of pods.
func (l *listed) join() []explain.Snapshot {
	deployments := groupBy(l.deployments.Items, func(d *appsv1.Deployment) place { return place{d.Namespace, d.Name} })
	objects := groupBy(l.objects, func(o *kserve.ScaledObject) place { return place{o.Namespace, o.Spec.ScaleTargetRef.Name} })
	hpas := groupBy(l.hpas.Items, func(h *autoscalingv2.HorizontalPodAutoscaler) place {
		return place{h.Namespace, h.Spec.ScaleTargetRef.Name}
	})
	pods := groupBy(l.pods.Items, func(p *corev1.Pod) place { return place{p.Namespace, p.Labels[kserve.ServiceLabel]} })
	events := groupBy(l.events, func(e *corev1.Event) place {
		return place{e.InvolvedObject.Kind, string(e.InvolvedObject.UID)}
	})
	auths := l.secrets()
	all := make([]explain.Snapshot, 0, len(l.services))
	for _, isvc := range l.services {
		workload := place{isvc.Namespace, kserve.PredictorName(isvc.Name)}
		s := explain.Snapshot{
			InferenceService: isvc,
			Deployment:       firstOf(deployments[workload]),
			HPAs:             hpas[workload],
			Auths:            auths[isvc.Namespace],
			Pods:             pods[place{isvc.Namespace, isvc.Name}],
			Events:           events[place{kserve.InferenceServiceKind.Kind, string(isvc.UID)}],
			NoKEDA:           l.noKEDA,
			Demand:           l.note.of(isvc.Namespace, isvc.Name),
		}
		for _, o := range objects[workload] {
			if o.Name != workload.name {
				s.Others = append(s.Others, o)
				continue
			}
			s.ScaledObject = &o
			s.Events = slices.Concat(s.Events, events[place{kserve.ScaledObjectKind.Kind, string(o.UID)}])
		}
		slices.SortFunc(s.HPAs, func(a, b autoscalingv2.HorizontalPodAutoscaler) int { return cmp.Compare(a.Name, b.Name) })
		slices.SortStableFunc(s.Events, func(a, b corev1.Event) int { return explain.LastSeen(b).Compare(explain.LastSeen(a)) })
		all = append(all, s)
	}
	return all
}

// secrets names, for each namespace and TriggerAuthentication, the Secrets it takes.
func (l *listed) secrets() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for i := range l.auths {
		a := &l.auths[i]
		if all[a.GetNamespace()] == nil {
			all[a.GetNamespace()] = map[string][]string{}
		}
		all[a.GetNamespace()][a.GetName()] = secretsOf(a)
	}
	return all
}

// A place is a namespace and a name; of events a kind and a UID.
type place struct{ within, name string }

func groupBy[T any](items []T, by func(*T) place) map[place][]T {
	groups := make(map[place][]T)
	for i := range items {
		p := by(&items[i])
		groups[p] = append(groups[p], items[i])
	}
	return groups
}

func firstOf[T any](items []T) *T {
	if len(items) == 0 {
		return nil
	}
	return &items[0]
}
