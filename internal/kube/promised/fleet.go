package promised

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Live service has its pods.
type Live struct {
	Service
	Fleet    law.Fleet
	Priority int // of its pods; 0 where there are none

	containers []corev1.Container
}

// GPUs are how many a replica takes, a share of one counted as one, and of which resource; "":
// of several.
func (l Live) GPUs() (n int, resource string) {
	kinds := 0
	for i := range l.containers {
		for name, q := range l.containers[i].Resources.Limits {
			if !vllm.IsGPU(name) {
				continue
			}
			n += int(q.Value())
			if string(name) != resource {
				kinds, resource = kinds+1, string(name)
			}
		}
	}
	if kinds > 1 {
		resource = ""
	}
	return n, resource
}

// live is a service with its target's pods.
func live(s Service, t *target, pods []corev1.Pod) Live {
	l := Live{Service: s, Fleet: t.fleet(pods), containers: t.containers}
	for i := range pods {
		if p := pods[i].Spec.Priority; p != nil {
			l.Priority = int(*p)
		}
	}
	return l
}

// Current is what the HPA compares with: the target's status.replicas.
func (s *Services) Current(ctx context.Context, of Service) (int, error) {
	t, err := s.read(ctx, types.NamespacedName{Namespace: of.Namespace, Name: of.Target}, of.Kind)
	if err != nil || t == nil {
		return 0, err
	}
	return int(t.current), nil
}

// One is a service with its pods; false if it is not entitled, or its target has gone.
func (s *Services) One(ctx context.Context, key types.NamespacedName) (Live, bool) {
	service, ok := s.Stepped(key)
	if !ok {
		return Live{}, false
	}
	t, err := s.read(ctx, types.NamespacedName{Namespace: key.Namespace, Name: service.Target}, service.Kind)
	if err != nil || t == nil || !service.Targets(t.uid) {
		return Live{}, false
	}
	selector, err := metav1.LabelSelectorAsSelector(t.selector)
	if err != nil {
		return Live{}, false
	}
	var pods corev1.PodList
	if s.Client.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabelsSelector{Selector: selector}) != nil {
		return Live{}, false
	}
	return live(service, t, pods.Items), true
}

// fleet counts the pods.
func (t *target) fleet(pods []corev1.Pod) law.Fleet {
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	d := &appsv1.Deployment{}
	d.Spec.Replicas, d.Status.ReadyReplicas = t.replicas, t.ready
	return explain.Snapshot{Deployment: d, Pods: pods}.Fleet()
}

// label is one of a target's selector, by which its pods are found.
type label struct{ namespace, key, value string }

// All are all services with their pods, in order, by one walk through what is watched.
func (s *Services) All(ctx context.Context) ([]Live, error) {
	targets, err := s.targets(ctx)
	if err != nil {
		return nil, err
	}
	type crew struct {
		service  Service
		target   target
		selector labels.Selector
		pods     []corev1.Pod
	}
	var crews []*crew
	by := map[label][]*crew{}
	for _, service := range s.stepped() {
		t, ok := targets[service.Kind+"/"+service.Namespace+"/"+service.Target]
		if !ok || !service.Targets(t.uid) {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(t.selector)
		if err != nil {
			continue // the API server takes none that cannot be read
		}
		c := &crew{service: service, target: t, selector: selector}
		crews = append(crews, c)
		key := slices.Min(slices.Collect(maps.Keys(t.selector.MatchLabels)))
		at := label{service.Namespace, key, t.selector.MatchLabels[key]}
		by[at] = append(by[at], c)
	}
	var pods corev1.PodList
	if err := s.Client.List(ctx, &pods, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading pods: %w", err)
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		for key, value := range p.Labels {
			for _, c := range by[label{p.Namespace, key, value}] {
				if c.selector.Matches(labels.Set(p.Labels)) {
					c.pods = append(c.pods, *p)
				}
			}
		}
	}
	all := make([]Live, len(crews))
	for i, c := range crews {
		all[i] = live(c.service, &c.target, c.pods)
	}
	return all, nil
}

// targets are those of the cluster by kind, namespace and name.
func (s *Services) targets(ctx context.Context) (map[string]target, error) {
	var deployments appsv1.DeploymentList
	if err := s.Client.List(ctx, &deployments, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading Deployments: %w", err)
	}
	var sets appsv1.StatefulSetList
	if err := s.Client.List(ctx, &sets, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading StatefulSets: %w", err)
	}
	all := make(map[string]target, len(deployments.Items)+len(sets.Items))
	for i := range deployments.Items {
		d := &deployments.Items[i]
		all[deployment+"/"+d.Namespace+"/"+d.Name] = ofDeployment(d)
	}
	for i := range sets.Items {
		d := &sets.Items[i]
		all[statefulSet+"/"+d.Namespace+"/"+d.Name] = ofStatefulSet(d)
	}
	return all, nil
}
