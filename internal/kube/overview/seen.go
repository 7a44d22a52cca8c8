package overview

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// see reads what explains the replicas of a workload, in the place of an InferenceService of
// its name.
func (r *reader) see(ctx context.Context, s autoscaler.Stated) (explain.Snapshot, error) {
	seen := explain.Snapshot{}
	seen.InferenceService.Namespace, seen.InferenceService.Name = s.Namespace(), s.Service()
	d, err := r.workload(ctx, s.Namespace(), s.Workload)
	if err != nil {
		return seen, fmt.Errorf("reading %s: %w", s.Workload, err)
	}
	seen.Deployment = d
	if seen.Pods, err = r.selected(ctx, d); err != nil && !r.miss("pods are not shown", err) {
		return seen, err
	}
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	err = r.List(ctx, &hpas, client.InNamespace(s.Namespace()), client.MatchingFields{cluster.ByTarget: s.Name})
	if err != nil && !r.miss("HorizontalPodAutoscalers are not shown", err) {
		return seen, fmt.Errorf("reading HorizontalPodAutoscalers: %w", err)
	}
	for _, h := range hpas.Items {
		if h.Spec.ScaleTargetRef.Kind == s.Kind {
			seen.HPAs = append(seen.HPAs, h)
		}
	}
	return seen, nil
}

// selected are the pods of a workload.
func (r *reader) selected(ctx context.Context, d *appsv1.Deployment) ([]corev1.Pod, error) {
	if r.pods == nil {
		var all corev1.PodList
		if err := r.List(ctx, &all); err != nil {
			return nil, fmt.Errorf("reading pods: %w", err)
		}
		r.pods = map[string][]corev1.Pod{}
		for _, p := range all.Items {
			r.pods[p.Namespace] = append(r.pods[p.Namespace], p)
		}
	}
	selects, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of %s/%s: %w", d.Namespace, d.Name, err)
	}
	var mine []corev1.Pod
	for _, p := range r.pods[d.Namespace] {
		if selects.Matches(labels.Set(p.Labels)) {
			mine = append(mine, p)
		}
	}
	return mine, nil
}
